"""The way of events into the log: what is handed over, and what came of it.

The controller hands over batches and never waits. `DirectWriter` writes at once, in the caller's
thread (a replay, a start, tests); the daemon's `gate.service.log_writer.LogWriter` does the same in
a thread of its own and tells the outcome later.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gate.core.describe import describe, without_person
from gate.core.domain import Event, EventKind, Record
from gate.errors import StoreError

log = logging.getLogger(__name__)

UNWRITTEN_LIMIT = 10_000
"""Events kept in memory while the log can't be written; beyond that the oldest are lost."""
LATE_S = 1.0
"""An event that is written this long after it happened says so, s."""


class Recorder(Protocol):
    """The log that events are committed to."""

    def record(self, events: Sequence[Event]) -> Sequence[Record]:
        """Commit all of them or none; raises `StoreError`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that belong together. None at all has the log tried again."""

    events: tuple[Event, ...] = ()
    grant: int | None = None
    """Number of the pending grant that they commit: refused, it is not written later."""
    keep: bool = False
    """Whether a refused grant is kept and written later all the same."""

    @property
    def kept(self) -> bool:
        """Whether the events are to be in the log some time, if not now."""
        return self.keep or self.grant is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a batch."""

    batch: Batch
    error: str | None = None
    """Why the log refused it; None where it is committed."""
    written: tuple[Event, ...] = ()
    """What was committed with it, in order: what had been waiting, then its own events."""
    number: int | None = None
    """Sequence number of its last event in the log."""
    waiting: int = 0
    """Events that the log still has to take."""
    oldest: float | None = None
    """Monotonic time of the first of them, s."""


class Writer(Protocol):
    """Whoever brings batches into the log, in their order."""

    def submit(self, batch: Batch, now: float) -> Outcome | None:
        """Take a batch and wait for nothing; None where the outcome is told later."""


class Gap:
    """Counts the events that the log will never have. Callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = 0.0
        self.lost = 0
        """How many there are that the log does not say yet."""

    def add(self, batch: Batch) -> None:
        """Its events are lost to the log: the journal gets them, in full where it stands in."""
        for event in batch.events:
            shown = event if batch.keep else without_person(event)
            log.critical("will not be in the log: %s", describe(shown))
        self.count(batch.events)

    def count(self, events: Sequence[Event]) -> None:
        """Count events that the journal has already."""
        with self._lock:
            for event in events:
                self._since = min(self._since, event.monotonic) if self.lost else event.monotonic
                self.lost += 1

    def event(self, now: float) -> tuple[int, list[Event]]:
        """How many there are, and what the log is to say of them."""
        with self._lock:
            if not self.lost:
                return 0, []
            said = f"{self.lost} in the last {now - self._since:.1f} s; the journal has them"
            return self.lost, [Event(EventKind.EVENTS_LOST, now, detail=said)]

    def close(self, lost: int) -> None:
        """The log says so many."""
        with self._lock:
            self.lost -= lost


class DirectWriter:
    """Writes each batch at once, together with what the log refused before."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._unwritten: deque[Event] = deque()
        self.gap = Gap()

    def submit(self, batch: Batch, now: float) -> Outcome:
        """Commit the batch, or keep what of it is to be written later."""
        lost, said = self.gap.event(now)
        events = [*said, *self._late(now)]
        events += [_dated(event, now) for event in batch.events]
        try:
            records = self._recorder.record(events)
        except StoreError as error:
            self._keep(batch, error)
            return Outcome(batch, error=str(error), waiting=self._waiting, oldest=self._oldest)
        self._unwritten.clear()
        self.gap.close(lost)
        number = records[-1].sequence if records else None
        return Outcome(batch, written=tuple(events), number=number)

    @property
    def _waiting(self) -> int:
        return len(self._unwritten) + bool(self.gap.lost)

    @property
    def _oldest(self) -> float | None:
        return self._unwritten[0].monotonic if self._unwritten else None

    def _late(self, now: float) -> list[Event]:
        """The waiting events; each says how late it is, as its wall time is that of the writing."""
        return [_late(event, now) for event in self._unwritten]

    def _keep(self, batch: Batch, error: StoreError) -> None:
        """Keep the events that the log can't take now, and write them to the journal."""
        if not self._unwritten and batch.events:
            log.critical("%s; what happens meanwhile is in the journal", error)
        if not batch.kept:
            return
        for event in batch.events:  # in full only where the journal has to stand in for the log
            shown = event if batch.keep else without_person(event)
            log.critical("not in the log yet: %s", describe(shown))
        self._unwritten.extend(batch.events)
        too_many = max(0, len(self._unwritten) - UNWRITTEN_LIMIT)
        self.gap.count([self._unwritten.popleft() for _ in range(too_many)])


def _dated(event: Event, now: float) -> Event:
    return _late(event, now) if now - event.monotonic >= LATE_S else event


def _late(event: Event, now: float) -> Event:
    lead = f"{event.detail}; " if event.detail else ""
    return replace(event, detail=f"{lead}written {now - event.monotonic:.1f} s late")
