"""The state machine of the lane: the one place that decides a grant.

`gate.core.transitions` is the specification; `step` applies it. Nothing here reads a clock, a file
or a pin: time is an argument, the lane's memory goes in and comes out as a frozen value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate.core.domain import Event, EventKind, Position, Reason, Signal, State, Trigger
from gate.core.rules import RearmRule, Rules, why
from gate.core.transitions import FRAMES, TRANSITIONS, VISITING, Arc, Lane
from gate.errors import IllegalTransition

OPENING = (Trigger.COMMITTED, Trigger.REQUEST_TO_EXIT)
"""What opens the gate: a grant that is in the log, and a person who wants out."""
ANSWERS = (Trigger.COMMITTED, Trigger.COMMIT_MISSED)
AWAITING = (State.PENDING, State.GRANTED)
LAPSING = (*ANSWERS, Trigger.FAULT, Trigger.CLOSED)
"""What ends the waiting for a commit, also where the gate stays open."""
GRANTS = (EventKind.GRANTED, EventKind.OPERATOR_GRANTED)
POSITIONS = {State.GRANTED: Position.GRANTED, State.EMERGENCY: Position.EMERGENCY}


def position_in(state: State) -> Position:
    """The relay's position in a state: safe, except in a grant and in an emergency."""
    return POSITIONS.get(state, Position.SAFE)


@dataclass(frozen=True, slots=True)
class Decision:
    """Result of a step: move the relay to ``position``, then record the ``events``.

    An opening that has to be in the log first is two steps: `State.PENDING`, and `COMMITTED`.
    """

    lane: Lane
    events: tuple[Event, ...]
    position: Position
    opens: bool = False
    """Whether the relay is to open, or, where it is open, to begin its hold and pulse anew."""
    way_out: bool = False
    """Whether it opens for a person inside."""
    grant: int | None = None
    """Number of the grant (`Lane.pending`) that ``events`` have to commit."""


def due(rules: Rules, lane: Lane, now: float) -> Signal | None:
    """The signal that the passing of time has brought about by ``now``, if any."""
    for trigger, at in _awaited(rules, lane):
        if now >= at:
            if trigger is Trigger.COMMIT_MISSED:
                return missed(f"it is not in the log within {rules.grant_within_s:g} s")
            return Signal(trigger)
    return None


def missed(why: str) -> Signal:
    """The signal that the pending grant is not in the log in time."""
    return Signal(Trigger.COMMIT_MISSED, Reason.FAULT_STORE, detail=f"a grant lapses: {why}")


def settled(lane: Lane, grant: int, number: int | None, visit: int | None) -> Signal:
    """The signal that a grant is in the log as event ``number``: it opens only while pending."""
    if lane.pending == grant:
        return Signal(Trigger.COMMITTED)
    return Signal(Trigger.LAPSED, detail=f"event {number}", visit=visit)


def deadline(rules: Rules, lane: Lane) -> float | None:
    """The time at which `due` gives a signal if nothing else happens; None for never."""
    return min((at for _, at in _awaited(rules, lane)), default=None)


def _awaited(rules: Rules, lane: Lane) -> Iterable[tuple[Trigger, float]]:
    """The signals that time alone will bring about, each with its time."""
    if lane.pending is not None:
        yield Trigger.COMMIT_MISSED, lane.pending_since + rules.grant_within_s
    if lane.state in VISITING:
        yield Trigger.FACE_LOST, lane.face_at + rules.lost_s
    elif lane.state is State.GRANTED:
        yield Trigger.HOLD_ELAPSED, lane.since + rules.hold_s
    elif lane.state is State.REARMING:
        yield Trigger.REARMED, _rearmed_at(rules, lane)
    if lane.door_since is not None and lane.state not in (State.GRANTED, State.EMERGENCY):
        yield Trigger.HELD_OPEN, lane.door_since + rules.door_held_s


def _rearmed_at(rules: Rules, lane: Lane) -> float:
    pause = lane.since + rules.rearm_s
    if rules.rearm is RearmRule.COOL_DOWN or (rules.rearm is RearmRule.PASSAGE and lane.passed):
        return pause
    return max(pause, lane.face_at + rules.lost_s)


def replaced(lane: Lane, signal: Signal) -> Signal | None:
    """The signal that this visit's guest is gone, where ``signal`` shows another person's face."""
    known = lane.guest is not None and signal.guest is not None
    if lane.state in VISITING and known and lane.guest != signal.guest:
        return Signal(Trigger.FACE_LOST, frame=signal.frame)
    return None


def step(rules: Rules, lane: Lane, signal: Signal, now: float) -> Decision:
    """Apply one signal to the lane.

    Raises `IllegalTransition` if the table has no row for the pair; nothing is changed then.
    """
    arcs = TRANSITIONS.get((lane.state, signal.trigger))
    if arcs is None:
        raise IllegalTransition(
            f"a lane that is {lane.state} cannot take '{signal.trigger}';"
            " `smile-gate states` shows what it can take"
        )
    if signal.trigger is Trigger.OPERATOR_GRANT and lane.pending is not None:
        raise IllegalTransition("a grant waits for its record; ask again when the gate has opened")
    if signal.trigger in ANSWERS and lane.pending is None:
        raise IllegalTransition(f"no grant is pending, and '{signal.trigger}' is of none")
    after = _absorb(lane, signal, now)
    arc = next(arc for arc in arcs if arc.condition is None or arc.condition(rules, after))
    after = _await_commit(_move(after, arc, now), arc, now)
    return Decision(
        lane=_forget(after, arc),
        events=tuple(_events(lane, after, arc, signal, now)),
        position=position_in(arc.to),
        opens=arc.to is State.GRANTED and arc.trigger in OPENING,
        way_out=arc.trigger is Trigger.REQUEST_TO_EXIT,
        grant=after.pending if arc.records in GRANTS and arc.trigger not in OPENING else None,
    )


def _absorb(lane: Lane, signal: Signal, now: float) -> Lane:
    """The lane with the content of the signal noted, before the arc is chosen."""
    match signal.trigger:
        case Trigger.OPENED | Trigger.CLOSED:
            return replace(lane, open=signal.trigger is Trigger.OPENED)
        case Trigger.STOPPED:
            return replace(lane, open=False)
        case Trigger.PASSED:
            return replace(lane, passed=True)
        case Trigger.DOOR_OPENED:
            return replace(lane, door_since=now)
        case Trigger.DOOR_SHUT | Trigger.HELD_OPEN:
            return replace(lane, door_since=None)
        case Trigger.FAULT | Trigger.RECOVERED:
            others = tuple(fault for fault in lane.faults if fault[0] is not signal.reason)
            if signal.trigger is Trigger.RECOVERED or signal.reason is None:
                return replace(lane, faults=others)
            return replace(lane, faults=(*others, (signal.reason, now)))
        case Trigger.COMMIT_MISSED:
            if any(part is Reason.FAULT_STORE for part, _ in lane.faults):
                return lane
            return replace(lane, faults=(*lane.faults, (Reason.FAULT_STORE, now)))
        case Trigger.FACE | Trigger.QUALIFYING:
            if lane.state is State.REARMING and signal.guest != lane.guest:
                return lane  # the next guest does not make the last one stay
            if lane.state is State.PENDING:
                return replace(lane, face_at=now)  # the visit is judged already
            scores = [score for score in (lane.best, signal.score) if score is not None]
            return replace(
                _counted(lane, signal.reason),
                face_at=now,
                guest=signal.guest,
                best=max(scores, default=None),
            )
        case Trigger.NO_FACE if lane.state in VISITING:
            return _counted(lane, signal.reason)  # the light may hide the guest
        case _:
            return lane


def _counted(lane: Lane, reason: Reason | None) -> Lane:
    """The lane with one more frame that did not qualify."""
    if reason is None:
        return lane
    tally = dict(lane.tally)
    tally[reason] = tally.get(reason, 0) + 1
    return replace(lane, tally=tuple(tally.items()))


def _move(lane: Lane, arc: Arc, now: float) -> Lane:
    """The lane moved along the arc: counters, the visit's number, the time of the change."""
    if arc.to is State.SMILING and arc.trigger in FRAMES:
        if arc.trigger is Trigger.QUALIFYING:
            return replace(lane, state=arc.to, count=lane.count + 1)
        return replace(lane, missed=lane.missed + 1)
    if arc.to is not arc.state or arc.trigger in OPENING:
        lane = replace(lane, state=arc.to, since=now)
    if arc.records in (EventKind.FACE_SEEN, EventKind.OPERATOR_GRANTED) and lane.visit is None:
        lane = replace(lane, visit=lane.next_visit, next_visit=lane.next_visit + 1)
    if arc.records is EventKind.GRANTED:
        return replace(lane, count=lane.count + 1)
    if arc.to is State.FACE_PRESENT:
        return replace(lane, count=0, missed=0)
    return lane


def _await_commit(lane: Lane, arc: Arc, now: float) -> Lane:
    """The lane with its pending grant: a new one, the one it had, or none any more."""
    if arc.records in GRANTS and arc.trigger not in OPENING:
        number = lane.grants + 1
        return replace(lane, pending=number, pending_since=now, grants=number)
    if lane.pending is None or (arc.to in AWAITING and arc.trigger not in LAPSING):
        return lane
    return replace(lane, pending=None)


def _forget(lane: Lane, arc: Arc) -> Lane:
    """The lane without the visit where it is over: nothing of it may help the next guest."""
    if arc.to in (*VISITING, State.PENDING, State.GRANTED, State.REARMING):
        return lane
    return replace(lane, visit=None, count=0, missed=0, best=None, tally=(), passed=False)


def _events(before: Lane, after: Lane, arc: Arc, signal: Signal, now: float) -> Iterable[Event]:
    """The events of the arc, in order; a visit that is cut short ends first."""

    def event(
        kind: EventKind,
        reason: Reason | None,
        score: float | None = signal.score,
        frames: int | None = None,
        detail: str | None = signal.detail,
    ) -> Event:
        return Event(
            kind=kind,
            monotonic=now,
            before=before.state,
            after=State.GRANTED if kind in GRANTS else after.state,
            reason=reason,
            visit=after.visit if signal.visit is None else signal.visit,
            frame=signal.frame,
            who=signal.who,
            score=score,
            frames=frames,
            detail=detail,
        )

    left = arc.records is EventKind.VISIT_LEFT
    was_seen = before.best is not None or bool(before.tally)
    cut_short = (
        before.state in VISITING or (before.state is State.PENDING and was_seen)
    ) and after.state not in (*VISITING, State.PENDING, State.GRANTED)
    if left or cut_short:
        reason = why(after.tally) if left or arc.trigger is Trigger.STOPPED else _cause(signal)
        yield event(EventKind.VISIT_LEFT, reason, after.best, before.count, None)
    if arc.records is None or left:
        return
    if arc.records is EventKind.GRANTED:
        yield event(arc.records, Reason.SMILE_HELD, frames=after.count)
    elif arc.records is EventKind.RECOVERED:
        lasted = [now - since for part, since in before.faults if part is signal.reason]
        yield event(
            arc.records, signal.reason, detail=f"after {lasted[0]:.1f} s" if lasted else None
        )
    else:
        yield event(arc.records, signal.reason)


def _cause(signal: Signal) -> Reason | None:
    """The reason for the end of a visit that the guest did not end."""
    if signal.trigger is Trigger.CLOSED:
        return Reason.LANE_CLOSED
    if signal.trigger is Trigger.EMERGENCY:
        return Reason.EMERGENCY
    return signal.reason
