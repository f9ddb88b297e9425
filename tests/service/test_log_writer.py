"""The log's thread: order, a log that hangs or refuses, and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from gate.core import recorder
from gate.core.domain import Event, EventKind, Record
from gate.core.recorder import Batch, Outcome
from gate.service.log_writer import LogWriter
from tests.fakes import ListRecorder
from tests.waiting import PATIENCE_S


class HangingRecorder(ListRecorder):
    """A log that hangs until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def record(self, events: Sequence[Event]) -> tuple[Record, ...]:
        self.go.wait(PATIENCE_S)
        return super().record(events)


class Bench:
    """A writer on a log that hangs, and all that it told."""

    def __init__(self, limit: int = 100) -> None:
        self.log = HangingRecorder()
        self.told: list[Outcome] = []
        self.writer = LogWriter(self.log, self.told.append, limit=limit, clock=lambda: 0.0)
        self.writer.start()

    def submit(self, visit: int, grant: int | None = None, *, keep: bool = False) -> Outcome | None:
        event = Event(EventKind.GRANTED if grant else EventKind.FACE_SEEN, 0.0, visit=visit)
        return self.writer.submit(Batch((event,), grant, keep), 0.0)

    def visits(self) -> list[int | None]:
        return [event.visit for event in self.log.events]


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.log.go.set()
    one.writer.close(PATIENCE_S)


def test_a_log_that_hangs_makes_nobody_wait(bench: Bench) -> None:
    """What is handed over waits in order, and each batch is answered once it is written."""
    assert [bench.submit(visit) for visit in range(5)] == [None] * 5
    assert bench.told == []
    bench.log.go.set()
    assert bench.writer.settle(PATIENCE_S)
    assert bench.visits() == [0, 1, 2, 3, 4]
    assert [outcome.number for outcome in bench.told] == [1, 2, 3, 4, 5]


def test_a_full_queue_refuses_at_once() -> None:
    """The answer is there without the log."""
    bench = Bench(limit=2)
    answers = [bench.submit(visit) for visit in range(5)]
    refused = [answer for answer in answers if answer is not None]
    assert refused
    assert all("hangs" in str(answer.error) for answer in refused)
    bench.log.go.set()
    assert bench.writer.close(PATIENCE_S)


def test_the_rest_is_written_at_the_end(bench: Bench) -> None:
    """A stop loses nothing that the log still takes."""
    for visit in range(3):
        bench.submit(visit)
    bench.log.go.set()
    assert bench.writer.close(PATIENCE_S)
    assert bench.visits() == [0, 1, 2]


def test_a_log_that_hangs_at_the_end_is_left_behind(bench: Bench) -> None:
    """The wait is bounded."""
    bench.submit(1)
    assert not bench.writer.close(0.01)


def test_a_refused_grant_is_not_written_later(bench: Bench) -> None:
    """All else is, in order, and says how late it is."""
    bench.log.go.set()
    bench.log.broken = True
    bench.submit(1)
    bench.submit(2, grant=1)
    bench.submit(3)
    bench.writer.settle(PATIENCE_S)
    assert [outcome.waiting for outcome in bench.told] == [1, 1, 2]
    bench.log.broken = False
    bench.writer.submit(Batch(), 0.0)
    bench.writer.settle(PATIENCE_S)
    assert bench.visits() == [1, 3]
    assert all(str(event.detail).endswith("s late") for event in bench.log.events)


def test_a_grant_that_is_kept_is_written_later(bench: Bench) -> None:
    """Where the settings let guests in without the log."""
    bench.log.go.set()
    bench.log.broken = True
    bench.submit(2, grant=1, keep=True)
    bench.writer.settle(PATIENCE_S)
    bench.log.broken = False
    bench.submit(3)
    bench.writer.settle(PATIENCE_S)
    assert bench.visits() == [2, 3]


def test_an_unexpected_error_does_not_end_the_thread(bench: Bench) -> None:
    """Each grant waits for it."""
    bench.log.go.set()
    bench.writer.do(lambda: 1 // 0)
    bench.submit(1)
    assert bench.writer.settle(PATIENCE_S)
    assert bench.visits() == [1]


@pytest.mark.parametrize("keep", [False, True])
def test_what_a_full_queue_refuses_is_counted_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, keep: bool
) -> None:
    """The journal has each of them; the log has their number, before what came after."""
    bench = Bench(limit=2)
    answers = [bench.submit(visit, keep=keep) for visit in range(6)]
    refused = [answer for answer in answers if answer is not None]
    assert [answer.waiting for answer in refused] == [1] * len(refused)
    said = [it for it in caplog.messages if it.startswith("will not be in the log: face_seen")]
    assert len(said) == len(refused)
    bench.log.go.set()
    assert bench.writer.settle(PATIENCE_S)
    bench.submit(7)
    assert bench.writer.close(PATIENCE_S)
    (gap,) = [event for event in bench.log.events if event.kind is EventKind.EVENTS_LOST]
    assert str(gap.detail).startswith(f"{len(refused)} in the last")
    assert bench.log.events[-1].visit == 7
    assert bench.told[-1].waiting == 0


def test_a_grant_that_a_full_queue_refuses_is_no_loss() -> None:
    """It did not open: there is nothing that the log lacks."""
    bench = Bench(limit=1)
    answers = [bench.submit(visit, grant=visit + 1) for visit in range(4)]
    assert any(answer is not None for answer in answers)
    bench.log.go.set()
    assert bench.writer.close(PATIENCE_S)
    assert EventKind.EVENTS_LOST not in [event.kind for event in bench.log.events]


def test_what_cannot_wait_is_done_before_what_waits(bench: Bench) -> None:
    """A log that is locked for each of its writes holds up no other file."""
    done: list[list[int | None]] = []
    for visit in range(5):
        bench.submit(visit)
    bench.writer.do(lambda: done.append(bench.visits()), first=True)
    bench.log.go.set()
    assert bench.writer.settle(PATIENCE_S)
    assert done in ([[]], [[0]])


def test_what_memory_cannot_keep_is_counted_and_the_log_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first while the log refuses; the next write says how many."""
    monkeypatch.setattr(recorder, "UNWRITTEN_LIMIT", 3)
    bench.log.go.set()
    bench.log.broken = True
    for visit in range(5):
        bench.submit(visit)
    assert bench.writer.settle(PATIENCE_S)
    bench.log.broken = False
    bench.writer.submit(Batch(), 0.0)
    assert bench.writer.settle(PATIENCE_S)
    assert bench.log.events[0].kind is EventKind.EVENTS_LOST
    assert str(bench.log.events[0].detail).startswith("2 in the last")
    assert bench.visits()[1:] == [2, 3, 4]


def test_what_a_log_that_hangs_at_the_end_loses_is_in_the_journal(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Each event that waits has its line."""
    for visit in range(3):
        bench.submit(visit)
    assert not bench.writer.close(0.01)
    assert sum(it.startswith("will not be in the log") for it in caplog.messages) >= 2
