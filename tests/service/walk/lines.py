"""Probes of lines, in and out, and of pauses; each asks the gate's world, no configuration."""

from __future__ import annotations

import re
from collections.abc import Callable

from gate.core.domain import EventKind, State, Trigger
from tests.fakes import seen
from tests.service.walk.gate import Gate

# The relay's line.


def rest_and_grant(gate: Gate) -> object:
    rest = gate.level(17)
    gate.open_by_hand()
    return rest, gate.level(17)


def driven(gate: Gate) -> object:
    gate.open_by_hand()
    return [pin for pin in (17, 18) if gate.level(pin)]


def in_an_emergency(gate: Gate) -> object:
    gate.signal(Trigger.EMERGENCY)
    return gate.level(17)


def limit(gate: Gate) -> object:
    """How long after a grant the relay's own thread would have shut the gate."""
    gate.open_by_hand()
    relay = gate.parts.hardware.relay
    assert gate.level(17)
    assert relay._deadline is not None
    after_s = relay._deadline - relay._granted_at
    with relay._changed:
        relay._act()
    assert not gate.level(17)
    return round(after_s, 3)


def until_shut(gate: Gate) -> object:
    gate.open_by_hand()
    return gate.seconds_until(lambda: not gate.level(17))


# Lamps and the heartbeat.


def lit(gate: Gate) -> object:
    gate.turn()
    return [pin for pin in (22, 23) if gate.level(pin)]


def named(gate: Gate) -> object:
    """What the journal calls a lamp that cannot be driven."""

    def broken(value: object) -> None:
        raise OSError("the wire is loose")

    gate.world.pins.pin(22)._set_state = broken
    gate.signal(Trigger.FAULT)
    gate.turn()
    return re.findall(r"the line of '(\w+)' cannot be driven", gate.world.journal.text)[-1]


def lit_by(trigger: Trigger) -> Callable[[Gate], object]:
    def show(gate: Gate) -> object:
        gate.signal(trigger)
        return lit(gate)

    return show


def until_dark(gate: Gate) -> object:
    gate.signal(Trigger.TAMPER)
    gate.turn()
    return gate.seconds_until(lambda: not lit(gate))


def lit_while_open(gate: Gate) -> object:
    gate.open_by_hand()
    return lit(gate)


def beats(gate: Gate) -> object:
    levels = set()
    for _ in range(4):
        gate.turn(1)
        levels.add(gate.level(24))
    return len(levels) == 2


def half_a_beat(gate: Gate) -> object:
    level = gate.level(24)
    gate.seconds_until(lambda: gate.level(24) is not level, 0.25)
    return gate.seconds_until(lambda: gate.level(24) is level, 0.25)


# The wires that come back.

HEARD = {
    "emergency": EventKind.EMERGENCY,
    "request_to_exit": EventKind.OPERATOR_GRANTED,
    "passage": EventKind.FORCED,
    "door": EventKind.FORCED,
    "tamper": EventKind.TAMPER,
    "key_switch": EventKind.LANE_OPENED,
    "assist": EventKind.ASSIST_CALLED,
}


def heard(kind: EventKind) -> Callable[[Gate], object]:
    def show(gate: Gate) -> object:
        gate.events.clear()
        gate.press(5)
        return gate.recorded(kind)

    return show


def pull(gate: Gate) -> object:
    return gate.world.pins.pin(5).pull


def bounce(gate: Gate) -> object:
    return gate.world.pins.pin(5).bounce


def after_the_alarm(gate: Gate) -> object:
    gate.press(5)
    assert gate.state is State.EMERGENCY
    gate.release(5)
    return gate.state


def until_reported(gate: Gate) -> object:
    gate.press(5)
    return gate.seconds_until(lambda: gate.recorded(EventKind.HELD_OPEN), 1)


# The pause, and the hours.


def paused(gate: Gate) -> bool:
    return gate.state is State.REARMING


def while_the_guest_stays(gate: Gate) -> object:
    """Whether a guest who does not leave keeps the pause going."""
    gate.open_by_hand()
    gate.seconds_until(lambda: paused(gate))
    for _ in range(10):
        gate.guest(seen())
        gate.turn(0.5)
    return paused(gate)


def until_the_next(gate: Gate) -> object:
    gate.open_by_hand()
    gate.seconds_until(lambda: paused(gate))
    return gate.seconds_until(lambda: not paused(gate))


def is_closed(gate: Gate) -> object:
    return gate.state is State.CLOSED
