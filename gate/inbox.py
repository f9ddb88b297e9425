"""What the loop waits for: the newest frame, or a signal, whichever comes first."""

from __future__ import annotations

import threading
from collections import deque

from gate.domain import Frame, Signal


class Inbox:
    """Where the other threads leave things for the loop; the loop alone takes them out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._signals: deque[Signal] = deque()
        self._frame: Frame | None = None
        self._closed = False
        self.dropped = 0
        """Frames of a live camera that were replaced by a newer one before the loop took them."""

    def post(self, signal: Signal) -> None:
        """Leave a signal; signals are handed over in order, none is lost."""
        with self._changed:
            self._signals.append(signal)
            self._changed.notify_all()

    def offer(self, frame: Frame, *, replace: bool) -> None:
        """Leave a frame: in place of an older one, or once the older one has been taken."""
        with self._changed:
            while self._frame is not None and not replace and not self._closed:
                self._changed.wait()
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def take(self, timeout_s: float) -> tuple[list[Signal], Frame | None]:
        """All signals and the newest frame; waits up to ``timeout_s`` seconds for any."""
        with self._changed:
            if not self._signals and self._frame is None:
                self._changed.wait(max(timeout_s, 0.0))
            signals, frame = list(self._signals), self._frame
            self._signals.clear()
            self._frame = None
            self._changed.notify_all()
        return signals, frame

    def close(self) -> None:
        """Let a waiting feed go on; may be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
