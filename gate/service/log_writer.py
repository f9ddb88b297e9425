"""The log's thread: it writes what the loop hands over, in order, so that the loop never waits.

A card that takes its time, a lock, a file system that hangs: the loop goes on, and hears of each
batch once it is committed or refused.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from gate.core.recorder import Batch, DirectWriter, Outcome, Recorder

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000
"""Batches that may wait; a chattering contact makes fewer, a log that hangs for minutes more."""
RETRY_S = 1.0
"""How often a thread is tried that could not be started."""
CLOSE_S = 3.0
"""At a stop the log has this long for the rest; the service manager waits 20 s for all."""


class LogWriter:
    """A `Writer` with a thread of its own; until `start`, it writes in the caller's."""

    def __init__(
        self,
        recorder: Recorder,
        tell: Callable[[Outcome], None],
        *,
        limit: int = QUEUE_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``tell`` is called in the thread, with what came of each batch."""
        self._direct = DirectWriter(recorder)
        self._tell = tell
        self._limit = limit
        self._clock = clock
        self._changed = threading.Condition()
        self._queue: deque[Batch | Callable[[], object]] = deque()
        self._told = Outcome(Batch())
        """The newest outcome."""
        self._busy = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._retry_at: float | None = None
        """When a thread is tried again that could not be started; None where there is no need."""

    def start(self) -> None:
        """Begin to write in the thread. As long as there can be none, the loop has to wait."""
        self._retry_at = None
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.error("the log is written in the loop until a thread can be started: %s", error)
            self._retry_at = self._clock() + RETRY_S
            return
        self._thread = thread

    def supervise(self, now: float) -> None:
        """Try again to start a thread that could not be started; for each turn of the loop."""
        if self._retry_at is not None and now >= self._retry_at:
            self.start()

    def submit(self, batch: Batch, now: float) -> Outcome | None:
        """Take a batch; a full queue refuses it, and the log hears later how much it lacks."""
        if self._thread is None:
            return self._direct.submit(batch, now)
        with self._changed:
            if len(self._queue) < self._limit:
                self._queue.append(batch)
                self._changed.notify_all()
                return None
            told = self._told
        if batch.kept:
            self._direct.gap.add(batch)
        error = f"the log hangs: {self._limit} writes are waiting for it"
        waiting = max(told.waiting, bool(self._direct.gap.lost))
        return Outcome(batch, error=error, waiting=waiting, oldest=told.oldest)

    def do(self, work: Callable[[], object], *, first: bool = False) -> None:
        """Do other work with the log's card, after what was submitted before: small files.

        ``first`` is before what waits, for what must not wait for a log that hangs or is locked.
        """
        if self._thread is None:
            try:
                work()
            except OSError as error:
                log.error("beside the log: %s", error)
            return
        with self._changed:
            (self._queue.appendleft if first else self._queue.append)(work)
            self._changed.notify_all()

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything is written or refused, and told; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._queue or self._busy), timeout_s)

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """End the thread after the rest; False if it hangs and is left behind."""
        thread, self._retry_at = self._thread, None
        if thread is None:
            return True
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        thread.join(timeout_s)
        if thread.is_alive():
            with self._changed:
                lost = [work for work in self._queue if isinstance(work, Batch)]
            log.critical("the log hangs; %d writes are lost", len(lost) + 1)
            for batch in lost:
                self._direct.gap.add(batch)
            return False
        self._thread = None
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._queue) or self._closing)
                if not self._queue:
                    return
                self._busy = True
                work = self._queue.popleft()
            try:
                self._carry_out(work)
            except Exception:  # the thread must not end: every grant waits for it
                log.exception("in the log's thread")

    def _carry_out(self, work: Batch | Callable[[], object]) -> None:
        if isinstance(work, Batch):
            outcome = self._direct.submit(work, self._clock())
            with self._changed:
                self._told = outcome
            self._tell(outcome)
        else:
            work()
