"""The camera's threads: one reads the source, another takes over when that one hangs or dies."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from gate.core.domain import Frame
from gate.errors import CameraError, CutShort, EndOfClip

if TYPE_CHECKING:
    from gate.core.domain import Image
    from gate.hardware.camera import PictureSource

log = logging.getLogger(__name__)

REPLACE_S = 1.0
"""How often a thread that ended is replaced."""
LEFT_LIMIT = 3
"""Threads that may be left hanging in a driver; each holds memory and perhaps a device."""
REFUSED_LIMIT = 3
"""Tries that may fail beside a hanging thread, until it is clear that it holds the device."""

_Result = TypeVar("_Result")


class FrameSink(Protocol):
    """The receiver of the frames."""

    def offer(self, frame: Frame, *, replace: bool, wanted: Callable[[], bool]) -> None:
        """Take a frame in place of an older one, or once that has been taken."""

    def wake(self) -> None:
        """Ask again whether a frame that waits is still wanted."""


class CameraThread:
    """Hands a source's frames over until it is closed.

    A live camera's frames replace each other; a clip is played at its own rate, every frame. The
    loop calls `supervise` at each turn.
    """

    def __init__(
        self,
        opener: Callable[[], PictureSource],
        frames: FrameSink,
        *,
        first_retry_s: float = 0.5,
        last_retry_s: float = 30.0,
        stuck_after_s: float = 15.0,
        loop: bool = False,
        first: int = 0,
    ) -> None:
        """``first`` is the number of the first frame."""
        self._opener = opener
        self._frames = frames
        self._first_retry_s = first_retry_s
        self._last_retry_s = last_retry_s
        self._stuck_after_s = stuck_after_s
        self._loop = loop
        self._closed = False
        self._replaced_at = -REPLACE_S
        self._left: list[_Reader] = []
        self._reader = _Reader(self)
        self.sequence = first
        """Number of the next frame."""
        self.problem: str | None = None
        """Reason why there is no picture now; None while there are pictures."""
        self.over = False
        """Whether a clip has been played to its end."""
        self.retrying = True
        """False once too many threads hang in the driver: only a restart can help then."""
        self._refused = 0
        """Tries that failed since a thread was left hanging, or since the last picture."""
        self._said: str | None = None
        """The problem that is in the journal already."""

    @property
    def stuck(self) -> int:
        """Number of threads that were left behind and still hang."""
        return sum(reader.thread.is_alive() for reader in self._left)

    @property
    def hung(self) -> bool:
        """Whether a thread that hangs in the driver keeps the device: only a restart frees it."""
        kept = self._refused >= REFUSED_LIMIT or not self.retrying
        return kept and self.stuck > 0

    def start(self) -> None:
        """Begin to read."""
        self._begin()

    def supervise(self, now: float) -> None:
        """Replace a thread that has died, or whose driver has not returned for too long."""
        if self.over or self._closed:
            return
        self._left = [one for one in self._left if one.thread.is_alive()]
        reader, since = self._reader, self._reader.calling_since
        if not reader.thread.is_alive():
            if now - self._replaced_at >= REPLACE_S:
                self._replaced_at = now
                log.error("the camera's thread has died; another one takes over")
                self._replace()
        elif since is not None and now - since > self._stuck_after_s:
            self.retrying = len(self._left) < LEFT_LIMIT
            if self.retrying:
                log.error("the camera's driver has not returned for %.0f s", now - since)
                self._refused = 0
                self._replace()
            self.problem = (
                f"the camera's driver does not return; {self.stuck} threads hang in it"
                + ("" if self.retrying else ", the gate gives up and waits for a restart")
            )
        else:
            self.retrying = True

    def reopen(self) -> None:
        """Open the camera anew, because its pictures are of no use."""
        self._replace()

    def close(self) -> None:
        """Stop reading. A camera that hangs in its driver is left behind."""
        self.abandon()
        if self._reader.thread.is_alive():
            self._reader.thread.join(timeout=0.3)

    def abandon(self) -> None:
        """Stop reading, and don't wait for the driver."""
        self._closed = True
        self._reader.closing.set()
        self._frames.wake()

    def succeed(self, before: CameraThread) -> None:
        """Take the place of another camera; what still hangs in its driver may keep the device."""
        before.abandon()
        self._left = [*before._left, before._reader]

    def _replace(self) -> None:
        self._left.append(self._reader)  # until it has let go of the device
        self._reader.closing.set()
        self._frames.wake()
        self._reader = _Reader(self)
        self._begin()

    def _begin(self) -> None:
        try:
            self._reader.thread.start()
        except RuntimeError as error:  # no thread is left: `supervise` tries again
            self.problem = f"no thread for the camera: {error}"

    def _run(self, reader: _Reader) -> None:
        retry_s = self._first_retry_s
        while not reader.closing.is_set() and not self.over:
            before = self.sequence
            try:
                self._play(reader)
            except EndOfClip as end:
                log.log(logging.WARNING if isinstance(end, CutShort) else logging.INFO, "%s", end)
                self.over = not self._loop and not reader.closing.is_set()
            except Exception as error:  # whatever a driver does, the gate comes back by itself
                if reader.closing.is_set():
                    return
                if not isinstance(error, CameraError):
                    log.exception("the camera's thread failed")
                retry_s = self._first_retry_s if self.sequence > before else retry_s
                self._lost(error, retry_s)
                reader.closing.wait(retry_s)
                retry_s = min(2 * retry_s, self._last_retry_s)

    def _lost(self, error: Exception, retry_s: float) -> None:
        """Note that there is no picture, and why."""
        before, self.problem = self._said, str(error) or type(error).__name__
        self._refused += 1
        self._said = self.problem
        level = logging.DEBUG if self.problem == before else logging.WARNING  # said once
        log.log(level, "no picture, tried again in %g s and so on: %s", retry_s, self.problem)
        if self.hung:
            self.problem += "; a thread that hangs in its driver keeps it: only a restart helps"

    def _play(self, reader: _Reader) -> None:
        source = reader.call(self._opener)
        try:
            due, shown = time.monotonic(), -1 / source.fps
            while not reader.closing.is_set():
                image: Image = reader.call(source.read)
                if not source.live:
                    step = 1 / source.fps
                    if source.taken_s is not None:
                        step, shown = source.taken_s - shown, source.taken_s
                    due = max(due + step, time.monotonic() - step)
                    reader.closing.wait(due - time.monotonic())
                if reader.closing.is_set():
                    return
                self.problem, self._said, self._refused = None, None, 0
                frame = Frame(image, self.sequence, _taken(source))
                self.sequence += 1
                self._frames.offer(frame, replace=source.live, wanted=reader.wanted)
        finally:
            reader.call(source.close)


def _taken(source: PictureSource) -> float:
    """When the picture was taken, monotonic s; a clip's are as if they were taken now."""
    now = time.monotonic()
    return min(now, source.taken_s) if source.live and source.taken_s is not None else now


class _Reader:
    """One thread, with the time since which it has been inside of the driver."""

    def __init__(self, camera: CameraThread) -> None:
        self.closing = threading.Event()
        self.calling_since: float | None = None
        self.thread = threading.Thread(target=camera._run, args=(self,), name="camera", daemon=True)

    def wanted(self) -> bool:
        """Whether this is still the thread that reads."""
        return not self.closing.is_set()

    def call(self, driver: Callable[[], _Result]) -> _Result:
        """Call into the driver, which may never return."""
        self.calling_since = time.monotonic()
        try:
            return driver()
        finally:
            self.calling_since = None
