"""The camera's thread: reads a source, numbers its frames, opens it again when it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gate.domain import Frame
from gate.errors import CameraError, EndOfClip

if TYPE_CHECKING:
    from gate.camera import Source
    from gate.inbox import Inbox

log = logging.getLogger(__name__)


class Feed:
    """Hands a source's frames to the inbox until it is closed.

    A live camera's frames replace each other; a clip is played at its own rate, every frame.
    """

    def __init__(
        self,
        opener: Callable[[], Source],
        inbox: Inbox,
        *,
        first_retry_s: float = 0.5,
        last_retry_s: float = 30.0,
        loop: bool = False,
    ) -> None:
        self._opener = opener
        self._inbox = inbox
        self._first_retry_s = first_retry_s
        self._last_retry_s = last_retry_s
        self._loop = loop
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._sequence = 0
        self.problem: str | None = None
        """Why there is no picture now; None while there are pictures."""
        self.over = False
        """Whether a clip has been played to its end."""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading. A camera that hangs in its driver is left behind."""
        self._closing.set()
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join(timeout=0.3)

    def _run(self) -> None:
        retry_s = self._first_retry_s
        while not self._closing.is_set() and not self.over:
            before = self._sequence
            try:
                self._play()
            except EndOfClip:
                self.over = not self._loop
            except Exception as error:  # whatever a driver does, the gate comes back by itself
                if not isinstance(error, CameraError):
                    log.exception("the camera's thread failed")
                self.problem = str(error) or type(error).__name__
                retry_s = self._first_retry_s if self._sequence > before else retry_s
                self._closing.wait(retry_s)
                retry_s = min(2 * retry_s, self._last_retry_s)

    def _play(self) -> None:
        source = self._opener()
        try:
            due = time.monotonic()
            while not self._closing.is_set():
                image = source.read()
                if not source.live:
                    due = max(due + 1 / source.fps, time.monotonic() - 1 / source.fps)
                    self._closing.wait(due - time.monotonic())
                self.problem = None
                frame = Frame(image, self._sequence, time.monotonic())
                self._sequence += 1
                self._inbox.offer(frame, replace=source.live)
        finally:
            source.close()
