from __future__ import annotations

from collections.abc import Sequence

import pytest

from gate.core.controller import RETRY_S, Controller
from gate.core.domain import (
    Event,
    EventKind,
    Observation,
    Position,
    Reason,
    Record,
    Signal,
    State,
    Trigger,
)
from gate.core.recorder import Batch, DirectWriter, Outcome
from gate.core.rules import Rules
from gate.errors import NoGuardError, StoreError
from tests.fakes import ListRecorder, ListRelay, seen

RULES = Rules(threshold=0.5, frames=2, missed_frames=0)


class Bench:
    """A controller with its fakes, an open lane, and a clock that is set by hand."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.log = ListRecorder()
        self.relay = ListRelay()
        self.control = Controller(rules, DirectWriter(self.log), self.relay)
        self.now = 0.0
        self.control.process(Signal(Trigger.OPENED), self.now)

    def see(self, observation: Observation, after: float = 0.1) -> None:
        self.now += after
        self.control.observe(observation, self.now)

    def smile(self, frames: int = 3) -> None:
        for _ in range(frames):
            self.see(seen())

    def state(self) -> State:
        return self.control.lane.state

    def last(self) -> Position:
        return self.relay.history[-1]


def test_a_smile_is_recorded_and_opens_the_gate() -> None:
    """The main path: the record is there, the relay is on, and off after the hold."""
    bench = Bench()
    bench.smile()
    assert bench.log.kinds()[-1] is EventKind.GRANTED
    assert bench.last() is Position.GRANTED
    bench.control.tick(bench.now + RULES.hold_s)
    assert bench.last() is Position.SAFE
    assert bench.log.kinds()[-1] is EventKind.HOLD_ENDED


def test_a_grant_is_committed_before_the_relay_moves() -> None:
    """When the relay is told, the record of the grant is already in the log."""
    bench = Bench()
    before: list[EventKind] = []
    grant = bench.relay.grant

    def watch(*, way_out: bool = False) -> None:
        before.extend(bench.log.kinds())
        grant(way_out=way_out)

    bench.relay.grant = watch  # type: ignore[method-assign]  # to look at the moment of the move
    bench.smile()
    assert before[-1] is EventKind.GRANTED


def test_a_grant_that_cannot_be_recorded_does_not_happen() -> None:
    """A full disk keeps the gate shut, and shows as a fault."""
    bench = Bench()
    bench.smile(2)
    bench.log.broken = True
    bench.smile(3)
    assert bench.relay.history == [Position.SAFE]
    assert bench.state() is State.FAULT


def test_a_log_that_works_again_gets_what_it_missed() -> None:
    """The fault itself is recorded afterwards, then the recovery, and the lane goes on."""
    bench = Bench()
    bench.smile(2)
    bench.log.broken = True
    bench.smile(1)
    bench.log.broken = False
    bench.control.tick(bench.now + RETRY_S)
    kinds = bench.log.kinds()
    assert kinds[-3:] == [EventKind.VISIT_LEFT, EventKind.FAULT, EventKind.RECOVERED]
    assert EventKind.GRANTED not in kinds
    assert str(bench.log.events[-2].detail).endswith("s late")
    assert bench.state() is State.IDLE


def test_a_slow_log_does_not_keep_the_relay_on() -> None:
    """The hold's end moves the relay before it is recorded."""
    bench = Bench()
    bench.smile()
    bench.log.broken = True
    bench.control.tick(bench.now + RULES.hold_s)
    assert bench.last() is Position.SAFE


def test_an_emergency_moves_first_and_is_recorded_after() -> None:
    """A log that can't be written is no reason to stay shut in an emergency."""
    bench = Bench()
    bench.log.broken = True
    bench.control.process(Signal(Trigger.EMERGENCY), 1.0)
    assert bench.last() is Position.EMERGENCY
    assert bench.state() is State.EMERGENCY
    bench.log.broken = False
    bench.control.tick(1.0 + RETRY_S)
    assert EventKind.EMERGENCY in bench.log.kinds()


def test_a_relay_that_cannot_be_driven_is_a_fault_and_is_tried_again() -> None:
    """A loose wire shows, and the lane is back once the line can be driven."""
    bench = Bench()
    bench.relay.broken = True
    bench.smile()
    assert bench.state() is State.FAULT
    assert bench.control.lane.faults[0][0] is Reason.FAULT_RELAY
    bench.relay.broken = False
    bench.control.tick(bench.now + RETRY_S)
    assert bench.state() is State.IDLE


def test_what_the_lane_cannot_take_is_refused() -> None:
    """An operator's grant during an emergency is refused and moves nothing."""
    bench = Bench()
    bench.control.process(Signal(Trigger.EMERGENCY), 1.0)
    assert not bench.control.process(Signal(Trigger.OPERATOR_GRANT), 2.0)
    assert bench.last() is Position.EMERGENCY


def test_the_same_news_twice_is_recorded_once() -> None:
    """A lane that is open is not opened again, and a known fault is not a new one."""
    bench = Bench()
    bench.control.process(Signal(Trigger.OPENED), 1.0)
    for _ in range(2):
        bench.control.process(Signal(Trigger.FAULT, Reason.FAULT_CAMERA), 2.0)
    bench.control.process(Signal(Trigger.RECOVERED, Reason.FAULT_MODEL), 2.0)
    assert bench.log.kinds() == [EventKind.LANE_OPENED, EventKind.FAULT]


def test_a_guest_who_leaves_is_recorded_when_the_time_is_over() -> None:
    """Empty frames do not end a visit before `lost_s`."""
    bench = Bench()
    bench.see(seen(smile=0.1))
    bench.see(Observation(1, 0.0), after=0.5)
    assert bench.state() is State.FACE_PRESENT
    bench.see(Observation(2, 0.0), after=0.5)
    assert bench.state() is State.IDLE
    assert bench.log.events[-1].reason is Reason.NO_SMILE


def test_a_log_that_fails_once_does_not_keep_the_lane_shut() -> None:
    """A fault that could itself be recorded heals too, though nothing waits to be written."""
    bench = Bench()
    bench.smile(2)
    record = bench.log.record

    def refuse_once(events: Sequence[Event]) -> tuple[Record, ...]:
        bench.log.record = record  # type: ignore[method-assign]  # the lock is gone
        raise StoreError("the log is locked")

    bench.log.record = refuse_once  # type: ignore[method-assign]  # the lock
    bench.smile(1)
    assert bench.state() is State.FAULT
    assert bench.last() is Position.SAFE
    bench.control.tick(bench.now + RETRY_S)
    assert bench.log.kinds()[-2:] == [EventKind.FAULT, EventKind.RECOVERED]
    assert bench.control.lane.state is State.IDLE


def test_late_records_are_told_as_well() -> None:
    """What lamps and the journal are told is what the log has, also when it was written later."""
    told: list[EventKind] = []
    bench = Bench()
    bench.control._on_event = lambda event: told.append(event.kind)
    bench.log.broken = True
    bench.control.process(Signal(Trigger.EMERGENCY), 1.0)
    bench.log.broken = False
    bench.control.process(Signal(Trigger.TAMPER), 1.1)
    assert told == bench.log.kinds()[1:]
    assert EventKind.EMERGENCY in told


def test_the_end_of_an_emergency_that_is_none_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The key switch says it with every turn; outside an emergency that is not worth a warning."""
    bench = Bench()
    assert bench.control.process(Signal(Trigger.EMERGENCY_CLEARED), 1.0)
    assert caplog.records == []


PRESS = Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT, who="request to exit")


def test_the_exit_opens_though_the_log_cannot_be_written() -> None:
    """Each press does, in the fault as well, and is recorded once that works again."""
    bench = Bench()
    bench.log.broken = True
    for press in range(3):
        bench.control.process(PRESS, press)
    assert bench.relay.history == [Position.SAFE, *[Position.GRANTED] * 3]
    bench.log.broken = False
    bench.control.tick(2.0 + RETRY_S)
    assert bench.log.kinds().count(EventKind.OPERATOR_GRANTED) == 3


class SilentWriter:
    """A log's thread that answers when the test says so."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def submit(self, batch: Batch, now: float) -> None:
        self.batches.append(batch)


def asked(*, grants_unwritten: bool = False) -> tuple[Controller, SilentWriter, ListRelay]:
    """An operator has asked to open, and the log has not answered yet."""
    log, relay = SilentWriter(), ListRelay()
    control = Controller(RULES, log, relay, grants_unwritten=grants_unwritten)
    control.process(Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR, who="kim"), 0.0)
    return control, log, relay


def test_the_relay_moves_when_the_commit_is_told() -> None:
    """Not before, and not by another batch's."""
    control, log, relay = asked()
    control.settle(Outcome(Batch()), 0.1)
    assert relay.history == [Position.SAFE]
    control.settle(Outcome(log.batches[0], number=7), 0.2)
    assert relay.history[-1] is Position.GRANTED


def test_a_commit_that_is_told_too_late_opens_nothing_and_is_recorded_as_lapsed() -> None:
    """Also where the loop itself was too busy to notice that the time was over."""
    control, log, relay = asked()
    control.settle(Outcome(log.batches[0], number=7), RULES.grant_within_s)
    assert relay.history == [Position.SAFE]
    kinds = [event.kind for batch in log.batches for event in batch.events]
    expected = [EventKind.OPERATOR_GRANTED, EventKind.FAULT, EventKind.GRANT_LAPSED]
    assert kinds == [*expected, EventKind.RECOVERED]
    assert log.batches[2].events[0].detail == "event 7"


def test_a_log_that_hangs_opens_where_guests_are_let_in_without_it() -> None:
    """After the same time; the commit that comes at last is no lapse."""
    control, log, relay = asked(grants_unwritten=True)
    control.tick(RULES.grant_within_s)
    assert relay.history[-1] is Position.GRANTED
    control.settle(Outcome(log.batches[0], number=7), 3.0)
    assert EventKind.GRANT_LAPSED not in [e.kind for batch in log.batches for e in batch.events]


def test_grants_that_opened_before_their_record_count_as_unwritten() -> None:
    """Where guests are let in without the log, it is seen how much the log still lacks."""
    control, log, _ = asked(grants_unwritten=True)
    assert control.unwritten == 0
    control.tick(RULES.grant_within_s)
    assert control.unwritten == 1
    control.settle(Outcome(log.batches[0], number=7), 3.0)
    assert control.unwritten == 0


def test_stopped_is_the_last_event_also_after_a_lapse() -> None:
    """The relay moves at once; the log is heard before the end is written."""
    control, log, relay = asked()
    control.stop(0.1, lambda: control.settle(Outcome(log.batches[0], number=7), 0.2))
    assert relay.history[-1] is Position.SAFE
    kinds = [event.kind for batch in log.batches for event in batch.events]
    assert kinds[-2:] == [EventKind.GRANT_LAPSED, EventKind.STOPPED]


def without_guard(bench: Bench) -> None:
    """Have every grant refused but the way out, as a relay does whose guard is gone."""
    grant = bench.relay.grant

    def refuse(*, way_out: bool = False) -> None:
        if not way_out:
            raise NoGuardError("nobody watches")
        grant(way_out=way_out)

    bench.relay.grant = refuse  # type: ignore[method-assign]  # the guard is gone


def test_a_missing_guard_does_not_shut_the_gate_on_somebody() -> None:
    """An operator's open in the hold of an exit is refused by the relay; the hold goes on."""
    bench = Bench()
    without_guard(bench)
    exit_button = Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT)
    bench.control.process(exit_button, bench.now)
    assert bench.last() is Position.GRANTED
    bench.control.process(Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR), bench.now + 0.1)
    assert bench.state() is State.GRANTED
    assert bench.last() is Position.GRANTED


def test_without_a_guard_nobody_is_let_in() -> None:
    """A grant that the relay refuses is a fault, and no hold."""
    bench = Bench()
    without_guard(bench)
    bench.smile()
    assert bench.control.is_at_fault(Reason.FAULT_RELAY)
    assert Position.GRANTED not in bench.relay.history
