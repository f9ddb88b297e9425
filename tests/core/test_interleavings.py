"""Frames, inputs, hours and operators in any order: what holds in all of them."""

from __future__ import annotations

from gpiozero.pins.mock import MockFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.controller import Controller
from gate.core.domain import (
    GATE,
    Event,
    EventKind,
    Observation,
    Position,
    Reason,
    Signal,
    State,
    Trigger,
)
from gate.core.recorder import DirectWriter
from gate.core.rules import Rules
from gate.hardware.indicators import Indicators, Lamp
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.relay import Relay
from tests.fakes import ListRecorder, seen

RULES = Rules(threshold=0.5, frames=2, missed_frames=1, hold_s=2.0, lost_s=1.0, rearm_s=0.5)
FOREVER_S = 3600
GRANTS = (EventKind.GRANTED, EventKind.OPERATOR_GRANTED)
ENDS = (*GRANTS, EventKind.VISIT_LEFT)

frames = st.sampled_from([seen(), seen(smile=0.1), seen(eyes=0), Observation(0, 0.0)])
signals = st.sampled_from(
    [
        Signal(Trigger.OPENED, Reason.SCHEDULE),
        Signal(Trigger.CLOSED, Reason.SCHEDULE),
        Signal(Trigger.PASSED),
        Signal(Trigger.DOOR_OPENED),
        Signal(Trigger.DOOR_SHUT),
        Signal(Trigger.TAMPER),
        Signal(Trigger.ASSIST),
        Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT),
        Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR),
        Signal(Trigger.FAULT, Reason.FAULT_CAMERA),
        Signal(Trigger.RECOVERED, Reason.FAULT_CAMERA),
        Signal(Trigger.EMERGENCY_CLEARED),
    ]
)
happenings = st.one_of(frames, frames, signals, st.just("trip"), st.just("wait"))


class House:
    """The lane with its real relay, lamps and interlock on mock pins, and a log in a list."""

    def __init__(self) -> None:
        wires = [OutputLine(GATE, 17), OutputLine("red", 22)]
        self.lines = OutputLines(MockFactory(), wires, [(GATE, "red")])
        self.relay = Relay(self.lines, max_open_s=FOREVER_S, pulse_s=None)
        self.panel = Indicators(self.lines, [Lamp("red", shows=frozenset(State))])
        self.log = ListRecorder()
        self.control = Controller(RULES, DirectWriter(self.log), self.relay)
        self.now = 0.0
        self.tripped = False

    def take(self, what: Observation | Signal | str) -> None:
        if what == "wait":
            self.now += 1.0
        elif what == "trip":
            # The emergency input moves the relay itself; the loop hears of it later.
            self.relay.trip()
            self.tripped = True
            assert self.relay.is_open
            self.control.process(Signal(Trigger.EMERGENCY), self.now)
        elif isinstance(what, Signal):
            self.control.process(what, self.now)
            self.tripped &= what.trigger is not Trigger.EMERGENCY_CLEARED
        elif isinstance(what, Observation):
            self.now += 0.1
            self.control.observe(what, self.now)
        self.control.tick(self.now)
        self.panel.update(self.control.lane.state, self.now)


@given(st.lists(happenings, max_size=60))
@settings(max_examples=200)
def test_the_promises_hold_in_every_order(order: list[Observation | Signal | str]) -> None:
    """Emergency wins, the interlock holds, one grant at a time, one end for each visit."""
    house = House()
    house.take(Signal(Trigger.OPENED))
    try:
        for what in order:
            was_open, known = house.relay.is_open, len(house.log.events)
            house.take(what)
            state = house.control.lane.state
            new: list[Event] = house.log.events[known:]
            assert house.relay.is_open == (state in (State.GRANTED, State.EMERGENCY))
            assert not (house.relay.is_open and house.lines.is_on("red"))
            if house.tripped:
                assert state is State.EMERGENCY
                assert house.relay.position is Position.EMERGENCY
            if house.relay.is_open and not was_open:
                why = {event.kind for event in new}
                assert why & {*GRANTS, EventKind.EMERGENCY}
            assert sum(event.kind is EventKind.GRANTED for event in new) <= 1
            assert not (was_open and EventKind.GRANTED in {event.kind for event in new})
        house.control.process(Signal(Trigger.STOPPED), house.now)
        assert not house.relay.is_open or house.tripped
        begun = [event.visit for event in house.log.events if event.kind is EventKind.FACE_SEEN]
        ended = [event.visit for event in house.log.events if event.kind in ENDS]
        for visit in begun:
            # An operator may open again for a guest whose own grant is over: still one first end.
            assert visit in ended
            kinds = [e.kind for e in house.log.events if e.visit == visit and e.kind in ENDS]
            assert len([kind for kind in kinds if kind is not EventKind.OPERATOR_GRANTED]) <= 1
            reasons = [e.reason for e in house.log.events if e.visit == visit and e.kind in ENDS]
            assert None not in reasons
    finally:
        house.relay.close()
        house.lines.close()


names = st.sampled_from(["gate", "red", "green", "blue"])


@given(
    pairs=st.lists(st.tuples(names, names).filter(lambda pair: pair[0] != pair[1]), max_size=4),
    switches=st.lists(st.tuples(names, st.booleans()), max_size=40),
)
def test_no_order_of_switching_breaks_an_interlock(
    pairs: list[tuple[str, str]], switches: list[tuple[str, bool]]
) -> None:
    """Interlocked lines are never on together, and only the gate's owner switches the gate off."""
    wires = [OutputLine(name, pin) for pin, name in enumerate(("gate", "red", "green", "blue"), 4)]
    lines = OutputLines(MockFactory(), wires, pairs)
    for name, on in switches:
        gate_was_on = lines.is_on(GATE)
        lines.switch(name, on)
        for one, other in pairs:
            assert not (lines.is_on(one) and lines.is_on(other))
        if name != GATE:
            assert lines.is_on(GATE) is gate_was_on
    lines.close()
