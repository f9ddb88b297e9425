"""The transition table of the lane: the specification of what the gate does.

`TRANSITIONS` is data: `gate.core.machine` applies it, `smile-gate states` draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from gate.core.domain import EventKind, Reason, State, Trigger
from gate.core.rules import Rules


@dataclass(frozen=True, slots=True)
class Lane:
    """Everything that the machine remembers."""

    state: State = State.CLOSED
    since: float = 0.0
    open: bool = False
    """Whether the lane is wanted open (see `LaneClosures`), whatever its state is now."""
    faults: tuple[tuple[Reason, float], ...] = ()
    """The parts at fault now, each with the time it failed."""
    visit: int | None = None
    next_visit: int = 1
    guest: int | None = None
    """Number of the guest whose visit it is, see `Observation.guest_id`."""
    face_at: float = 0.0
    """Time at which the guest's face was seen last."""
    count: int = 0
    missed: int = 0
    best: float | None = None
    tally: tuple[tuple[Reason, int], ...] = ()
    """Frames of this visit that did not qualify, counted by reason."""
    passed: bool = False
    door_since: float | None = None
    """Time at which the door opened; None where it is shut, or was reported as held open."""
    pending: int | None = None
    """Number of the grant that waits for its commit (counted by ``grants``); None for none."""
    pending_since: float = 0.0
    grants: int = 0
    """Grants that were ever to be committed first."""


Condition: TypeAlias = Callable[[Rules, Lane], bool]


def last_frame(rules: Rules, lane: Lane) -> bool:
    """Whether this frame completes the N that are asked for."""
    return lane.count + 1 >= rules.frames


def missed_too_many(rules: Rules, lane: Lane) -> bool:
    """Whether one more missed frame is more than a smile may have."""
    return lane.missed + 1 > rules.missed_frames


def faulty(_rules: Rules, lane: Lane) -> bool:
    """Whether a part is still at fault."""
    return bool(lane.faults)


def lane_open(_rules: Rules, lane: Lane) -> bool:
    """Whether the lane is wanted open."""
    return lane.open


def relay_failed(_rules: Rules, lane: Lane) -> bool:
    """Whether the newest fault is the relay's."""
    return bool(lane.faults) and lane.faults[-1][0] is Reason.FAULT_RELAY


def passage_sensor(rules: Rules, _lane: Lane) -> bool:
    """Whether there is a sensor that would have reported a passage."""
    return rules.passage_sensor


@dataclass(frozen=True, slots=True)
class Arc:
    """A row of the table: in ``state``, ``trigger`` leads to ``to`` if ``condition`` holds."""

    state: State
    trigger: Trigger
    to: State
    condition: Condition | None = None
    records: EventKind | None = None


VISITING = (State.FACE_PRESENT, State.SMILING)
RESTING = (State.CLOSED, State.EMERGENCY)
"""States in which no frame can change anything for as long as they last."""
NOT_EMERGENCY = tuple(state for state in State if state is not State.EMERGENCY)
FRAMES = (Trigger.NO_FACE, Trigger.FACE, Trigger.QUALIFYING)


def _arcs() -> Iterable[Arc]:
    """The table, row by row; of the rows of one pair the first whose condition holds is taken."""
    s, t, e = State, Trigger, EventKind

    # A lane that opens and closes, by schedule or by the operator.
    # (Opening an open lane, or closing a closed one, is no signal: see `Lane.open`.)
    yield Arc(s.CLOSED, t.OPENED, s.FAULT, faulty, e.LANE_OPENED)
    yield Arc(s.CLOSED, t.OPENED, s.IDLE, None, e.LANE_OPENED)
    yield Arc(s.EMERGENCY, t.OPENED, s.EMERGENCY, None, e.LANE_OPENED)
    yield Arc(s.GRANTED, t.CLOSED, s.GRANTED, None, e.LANE_CLOSED)  # a running hold ends first
    yield Arc(s.EMERGENCY, t.CLOSED, s.EMERGENCY, None, e.LANE_CLOSED)
    for state in (s.IDLE, *VISITING, s.PENDING, s.REARMING, s.FAULT):
        yield Arc(state, t.CLOSED, s.CLOSED, None, e.LANE_CLOSED)
    for state in (s.PENDING, s.GRANTED, s.REARMING, s.FAULT):  # closed a moment ago, open again
        yield Arc(state, t.OPENED, state, None, e.LANE_OPENED)

    # The guest.
    yield Arc(s.IDLE, t.NO_FACE, s.IDLE)
    yield Arc(s.IDLE, t.FACE, s.FACE_PRESENT, None, e.FACE_SEEN)
    yield Arc(s.IDLE, t.QUALIFYING, s.FACE_PRESENT, None, e.FACE_SEEN)
    yield Arc(s.FACE_PRESENT, t.NO_FACE, s.FACE_PRESENT)
    yield Arc(s.FACE_PRESENT, t.FACE, s.FACE_PRESENT)
    for state in VISITING:
        yield Arc(state, t.QUALIFYING, s.PENDING, last_frame, e.GRANTED)
        yield Arc(state, t.QUALIFYING, s.SMILING)
        yield Arc(state, t.FACE_LOST, s.IDLE, None, e.VISIT_LEFT)
    for trigger in (t.NO_FACE, t.FACE):
        yield Arc(s.SMILING, trigger, s.FACE_PRESENT, missed_too_many)
        yield Arc(s.SMILING, trigger, s.SMILING)

    # A grant waits for its record; in an open gate it is there to lengthen the hold.
    yield Arc(s.PENDING, t.COMMITTED, s.GRANTED)
    yield Arc(s.PENDING, t.COMMIT_MISSED, s.FAULT, None, e.FAULT)
    yield Arc(s.GRANTED, t.COMMITTED, s.GRANTED)
    yield Arc(s.GRANTED, t.COMMIT_MISSED, s.GRANTED, None, e.FAULT)
    for state in State:
        yield Arc(state, t.LAPSED, state, None, e.GRANT_LAPSED)

    # The open gate, and the pause after it.
    yield Arc(s.GRANTED, t.PASSED, s.REARMING, None, e.PASSED)
    yield Arc(s.GRANTED, t.HOLD_ELAPSED, s.REARMING, passage_sensor, e.NOT_USED)
    yield Arc(s.GRANTED, t.HOLD_ELAPSED, s.REARMING, None, e.HOLD_ENDED)
    yield Arc(s.REARMING, t.PASSED, s.REARMING)
    yield Arc(s.REARMING, t.REARMED, s.FAULT, faulty)
    yield Arc(s.REARMING, t.REARMED, s.IDLE, lane_open)
    yield Arc(s.REARMING, t.REARMED, s.CLOSED)
    for state in State:
        if state not in (s.GRANTED, s.REARMING):
            yield Arc(state, t.PASSED, state, None, e.FORCED)

    # Pictures that change nothing: nobody is to be granted now.
    for state in (s.CLOSED, s.PENDING, s.GRANTED, s.REARMING, s.FAULT, s.EMERGENCY):
        for trigger in FRAMES:
            yield Arc(state, trigger, state)

    # Inputs that are recorded and move nothing.
    for state in State:
        if state not in (s.GRANTED, s.REARMING, s.EMERGENCY):
            yield Arc(state, t.DOOR_OPENED, state, None, e.FORCED)
        else:
            yield Arc(state, t.DOOR_OPENED, state)
        yield Arc(state, t.DOOR_SHUT, state)
        yield Arc(state, t.HELD_OPEN, state, None, e.HELD_OPEN)
        yield Arc(state, t.TAMPER, state, None, e.TAMPER)
        yield Arc(state, t.ASSIST, state, None, e.ASSIST_CALLED)

    # A person with a key, or inside; a part that fails; an emergency; the end.
    # (While a grant is pending no operator's grant is taken, see `step`.)
    for state in NOT_EMERGENCY:
        yield Arc(state, t.REQUEST_TO_EXIT, s.GRANTED, None, e.OPERATOR_GRANTED)
        if state is s.GRANTED:  # nothing but the relay ends a hold: it may hit somebody
            yield Arc(state, t.OPERATOR_GRANT, s.GRANTED, None, e.OPERATOR_GRANTED)
            yield Arc(state, t.FAULT, s.FAULT, relay_failed, e.FAULT)
            yield Arc(state, t.FAULT, s.GRANTED, None, e.FAULT)
        else:
            yield Arc(state, t.OPERATOR_GRANT, s.PENDING, None, e.OPERATOR_GRANTED)
            yield Arc(state, t.FAULT, s.FAULT, None, e.FAULT)
    yield Arc(s.FAULT, t.RECOVERED, s.FAULT, faulty, e.RECOVERED)
    yield Arc(s.FAULT, t.RECOVERED, s.IDLE, lane_open, e.RECOVERED)
    yield Arc(s.FAULT, t.RECOVERED, s.CLOSED, None, e.RECOVERED)
    for state in (s.CLOSED, s.PENDING, s.GRANTED, s.REARMING, s.EMERGENCY):
        yield Arc(state, t.RECOVERED, state, None, e.RECOVERED)
    yield Arc(s.EMERGENCY, t.FAULT, s.EMERGENCY, None, e.FAULT)
    for state in NOT_EMERGENCY:
        yield Arc(state, t.EMERGENCY, s.EMERGENCY, None, e.EMERGENCY)
    yield Arc(s.EMERGENCY, t.EMERGENCY, s.EMERGENCY)
    yield Arc(s.EMERGENCY, t.EMERGENCY_CLEARED, s.FAULT, faulty, e.EMERGENCY_CLEARED)
    yield Arc(s.EMERGENCY, t.EMERGENCY_CLEARED, s.IDLE, lane_open, e.EMERGENCY_CLEARED)
    yield Arc(s.EMERGENCY, t.EMERGENCY_CLEARED, s.CLOSED, None, e.EMERGENCY_CLEARED)
    for state in NOT_EMERGENCY:
        yield Arc(state, t.STOPPED, s.CLOSED, None, e.STOPPED)
    yield Arc(s.EMERGENCY, t.STOPPED, s.EMERGENCY, None, e.STOPPED)  # only a person ends it


def _table() -> dict[tuple[State, Trigger], tuple[Arc, ...]]:
    table: dict[tuple[State, Trigger], tuple[Arc, ...]] = {}
    for arc in _arcs():
        key = (arc.state, arc.trigger)
        table[key] = (*table.get(key, ()), arc)
    return table


TRANSITIONS = _table()
