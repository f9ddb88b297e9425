"""The state machine, without any I/O."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.domain import EventKind, Position, Reason, Signal, State, Trigger
from gate.core.machine import Decision, deadline, due, replaced, step
from gate.core.rules import RearmRule, Rules
from gate.core.transitions import TRANSITIONS, VISITING, Lane
from gate.errors import IllegalTransition

RULES = Rules(threshold=0.5, frames=3, missed_frames=1)
OPEN = Lane(state=State.IDLE, open=True)
QUALIFYING = Signal(Trigger.QUALIFYING, score=0.9)
FACE = Signal(Trigger.FACE, reason=Reason.NO_SMILE, score=0.1)
NO_FACE = Signal(Trigger.NO_FACE)


def play(*signals: Signal, lane: Lane = OPEN, rules: Rules = RULES) -> list[Decision]:
    """Take the signals a tenth of a second apart."""
    decisions = []
    for tenth, signal in enumerate(signals):
        decisions.append(step(rules, lane, signal, tenth / 10))
        lane = decisions[-1].lane
    return decisions


def kinds(decisions: list[Decision]) -> list[EventKind]:
    return [event.kind for decision in decisions for event in decision.events]


def test_a_held_smile_grants_at_the_last_frame() -> None:
    """A face, then N qualifying frames: the N-th grants, with its count and score."""
    decisions = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING)
    assert [decision.lane.state for decision in decisions] == [
        State.FACE_PRESENT,
        State.SMILING,
        State.SMILING,
        State.GRANTED,
    ]
    assert [decision.position for decision in decisions] == [Position.SAFE] * 3 + [Position.GRANTED]
    (granted,) = decisions[-1].events
    assert (granted.kind, granted.reason) == (EventKind.GRANTED, Reason.SMILE_HELD)
    assert (granted.frames, granted.score, granted.visit) == (3, 0.9, 1)


def test_the_first_frame_of_a_visit_does_not_count() -> None:
    """A guest who appears smiling is first seen, then counted."""
    assert play(QUALIFYING, QUALIFYING, QUALIFYING)[-1].lane.state is State.SMILING


def test_a_smile_may_miss_as_many_frames_as_it_is_allowed() -> None:
    """A blink of `missed_frames` frames does not end the count; the misses of a smile add up."""
    forgiven = play(FACE, QUALIFYING, FACE, QUALIFYING, QUALIFYING)
    assert forgiven[-1].lane.state is State.GRANTED
    again = play(FACE, QUALIFYING, FACE, QUALIFYING, NO_FACE)
    assert (again[-1].lane.state, again[-1].lane.count) == (State.FACE_PRESENT, 0)


def test_one_frame_is_enough_where_one_is_asked_for() -> None:
    """With N = 1 the first counted frame grants."""
    decisions = play(FACE, QUALIFYING, rules=replace(RULES, frames=1))
    assert decisions[-1].lane.state is State.GRANTED


def test_a_visit_that_never_qualified_says_why() -> None:
    """The visit's end carries the best score and the furthest check that often stopped it."""
    asleep = Signal(Trigger.FACE, reason=Reason.EYES_CLOSED, score=0.8)
    *_, left = play(FACE, FACE, asleep, asleep, Signal(Trigger.FACE_LOST))
    (event,) = left.events
    assert (event.kind, event.reason) == (EventKind.VISIT_LEFT, Reason.EYES_CLOSED)
    assert event.score == 0.8
    assert left.lane.visit is None


def test_a_smile_that_was_too_short_is_said_to_be_so() -> None:
    """A visit in which each frame qualified, but not enough of them, was not held."""
    *_, left = play(QUALIFYING, QUALIFYING, Signal(Trigger.FACE_LOST))
    assert left.events[0].reason is Reason.NOT_HELD


def test_nothing_of_a_visit_is_left_for_the_next_guest() -> None:
    """Count, misses, best score and reasons end with the visit."""
    left = play(FACE, QUALIFYING, FACE, Signal(Trigger.FACE_LOST))[-1].lane
    assert (left.count, left.missed, left.best, left.tally) == (0, 0, None, ())


def test_each_visit_has_its_own_number() -> None:
    """Visits count up, and an operator's grant with nobody there is a visit of its own."""
    lane = play(FACE, Signal(Trigger.FACE_LOST))[-1].lane
    again = play(FACE, Signal(Trigger.FACE_LOST), lane=lane)
    assert again[0].lane.visit == 2
    by_hand = play(Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR, who="kim"), lane=again[-1].lane)
    assert by_hand[0].events[0].visit == 3


@pytest.mark.parametrize("state", [*VISITING])
@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (Signal(Trigger.CLOSED), Reason.LANE_CLOSED),
        (Signal(Trigger.EMERGENCY), Reason.EMERGENCY),
        (Signal(Trigger.FAULT, Reason.FAULT_CAMERA), Reason.FAULT_CAMERA),
    ],
)
def test_a_visit_cut_short_ends_with_its_cause(
    state: State, signal: Signal, reason: Reason
) -> None:
    """What cuts a visit short is its one reason, and is recorded after it."""
    lane = replace(OPEN, state=state, visit=7, next_visit=8)
    events = step(RULES, lane, signal, 1.0).events
    assert events[0].kind is EventKind.VISIT_LEFT
    assert (events[0].reason, events[0].visit) == (reason, 7)
    assert len(events) == 2


def test_the_hold_ends_by_itself() -> None:
    """The hold's time, and nothing before it, takes the relay back."""
    lane = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING)[-1].lane
    assert deadline(RULES, lane) == pytest.approx(0.3 + RULES.hold_s)
    assert due(RULES, lane, 0.3 + RULES.hold_s - 0.01) is None
    signal = due(RULES, lane, 0.3 + RULES.hold_s)
    assert signal is not None
    decision = step(RULES, lane, signal, 5.3)
    assert (decision.lane.state, decision.position) == (State.REARMING, Position.SAFE)
    assert kinds([decision]) == [EventKind.HOLD_ENDED]
    sensed = step(replace(RULES, passage_sensor=True), lane, signal, 5.3)
    assert kinds([sensed]) == [EventKind.NOT_USED]


@pytest.mark.parametrize(
    ("rule", "passed", "at"),
    [
        (RearmRule.FACE_GONE, False, 12.0),
        (RearmRule.FACE_GONE, True, 12.0),
        (RearmRule.PASSAGE, True, 11.0),
        (RearmRule.PASSAGE, False, 12.0),
        (RearmRule.COOL_DOWN, False, 11.0),
    ],
)
def test_the_gate_rearms_by_the_configured_rule(rule: RearmRule, passed: bool, at: float) -> None:
    """A guest seen until 11.0 s after a hold that ended at 10.0 s: when may the next one come?"""
    rules = replace(RULES, rearm=rule, rearm_s=1.0, lost_s=1.0)
    lane = Lane(State.REARMING, since=10.0, open=True, face_at=11.0, passed=passed, visit=1)
    assert due(rules, lane, at - 0.001) is None
    signal = due(rules, lane, at)
    assert signal is not None
    decision = step(rules, lane, signal, at)
    assert (decision.lane.state, decision.lane.passed) == (State.IDLE, False)


def test_the_next_guest_does_not_make_the_last_one_stay() -> None:
    """While rearming, only the face of the guest who was let in counts as present."""
    lane = Lane(State.REARMING, since=10.0, open=True, face_at=10.5, guest=4, visit=1)
    same = step(RULES, lane, replace(FACE, guest=4), 11.0).lane
    other = step(RULES, lane, replace(FACE, guest=5), 11.0).lane
    assert (same.face_at, other.face_at) == (11.0, 10.5)


def test_another_face_is_another_visit() -> None:
    """A change of guest in the middle of a smile ends the visit: smiles are not passed on."""
    lane = replace(play(replace(FACE, guest=1), replace(QUALIFYING, guest=1))[-1].lane)
    assert replaced(lane, replace(QUALIFYING, guest=1)) is None
    gone = replaced(lane, replace(QUALIFYING, guest=2))
    assert gone is not None
    assert gone.trigger is Trigger.FACE_LOST


def test_a_lane_that_closes_during_a_hold_lets_it_end_first() -> None:
    """Closing does not shut the gate on a guest, but nobody else comes in."""
    granted = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING)[-1].lane
    closed, ended, rearmed = play(
        Signal(Trigger.CLOSED),
        Signal(Trigger.HOLD_ELAPSED),
        Signal(Trigger.REARMED),
        lane=granted,
    )
    assert (closed.lane.state, closed.position) == (State.GRANTED, Position.GRANTED)
    assert ended.position is Position.SAFE
    assert rearmed.lane.state is State.CLOSED


def test_faults_add_up_and_recover_one_by_one() -> None:
    """The lane is back when the last part is well again; each recovery says how long it took."""
    camera = Signal(Trigger.FAULT, Reason.FAULT_CAMERA)
    store = Signal(Trigger.FAULT, Reason.FAULT_STORE)
    first, second, half, whole = play(
        camera,
        store,
        replace(camera, trigger=Trigger.RECOVERED),
        replace(store, trigger=Trigger.RECOVERED),
    )
    assert first.lane.state is second.lane.state is half.lane.state is State.FAULT
    assert whole.lane.state is State.IDLE
    assert half.events[0].detail == "after 0.2 s"


def test_an_emergency_latches_until_it_is_cleared() -> None:
    """In an emergency nothing but its end moves the gate, and an operator can't override it."""
    lane = step(RULES, OPEN, Signal(Trigger.EMERGENCY), 0.0).lane
    for trigger in (Trigger.QUALIFYING, Trigger.CLOSED, Trigger.OPENED, Trigger.PASSED):
        decision = step(RULES, lane, Signal(trigger), 1.0)
        assert decision.position is Position.EMERGENCY
    with pytest.raises(IllegalTransition):
        step(RULES, lane, Signal(Trigger.OPERATOR_GRANT), 1.0)
    cleared = step(RULES, lane, Signal(Trigger.EMERGENCY_CLEARED), 2.0)
    assert (cleared.lane.state, cleared.position) == (State.IDLE, Position.SAFE)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("trigger", list(Trigger))
def test_a_pair_is_in_the_table_or_raises_and_changes_nothing(
    state: State, trigger: Trigger
) -> None:
    """The table is the specification: what it does not have does not happen."""
    lane = Lane(state=state, open=True, visit=1, count=1)
    before = replace(lane)
    if (state, trigger) in TRANSITIONS:
        reached = step(RULES, lane, Signal(trigger), 1.0).lane.state
        assert reached in {arc.to for arc in TRANSITIONS[state, trigger]}
    else:
        with pytest.raises(IllegalTransition, match=str(trigger)):
            step(RULES, lane, Signal(trigger), 1.0)
    assert lane == before


def test_every_pair_of_the_table_ends_with_a_row_that_always_holds() -> None:
    """No signal that the table knows can fall through all of its conditions."""
    for arcs in TRANSITIONS.values():
        assert arcs[-1].guard is None
        assert all(arc.guard is not None for arc in arcs[:-1])


signals = st.builds(
    Signal,
    trigger=st.sampled_from(
        list(Trigger) + [Trigger.QUALIFYING, Trigger.FACE, Trigger.NO_FACE] * 5
    ),
    reason=st.sampled_from([None, Reason.FAULT_CAMERA, Reason.FAULT_STORE, Reason.NO_SMILE]),
    score=st.sampled_from([None, 0.2, 0.9]),
)
rules = st.builds(
    Rules,
    threshold=st.just(0.5),
    frames=st.integers(1, 6),
    missed_frames=st.integers(0, 3),
    rearm=st.sampled_from(RearmRule),
)


@given(rules=rules, steps=st.lists(st.tuples(signals, st.floats(0, 3)), max_size=80))
@settings(max_examples=300)
def test_no_sequence_of_signals_breaks_the_promises(
    rules: Rules, steps: list[tuple[Signal, float]]
) -> None:
    """No grant without N qualifying frames or an operator; on only in GRANTED and EMERGENCY."""
    lane, now, qualifying = Lane(), 0.0, 0
    open_visits: set[int] = set()
    ended: list[int] = []
    for signal, pause in steps:
        now += pause
        try:
            decision = step(rules, lane, signal, now)
        except IllegalTransition:
            continue
        qualifying += signal.trigger is Trigger.QUALIFYING
        for event in decision.events:
            if event.kind is EventKind.GRANTED:
                assert event.frames == rules.frames
                assert qualifying >= rules.frames
                qualifying = 0
            if event.kind is EventKind.FACE_SEEN:
                assert event.visit is not None
                open_visits.add(event.visit)
                qualifying = 0
            ends = (EventKind.GRANTED, EventKind.OPERATOR_GRANTED, EventKind.VISIT_LEFT)
            if event.kind in ends and event.visit in open_visits:
                open_visits.discard(event.visit)
                ended.append(event.visit)
        entered = decision.lane.state is State.GRANTED and lane.state is not State.GRANTED
        granted = {EventKind.GRANTED, EventKind.OPERATOR_GRANTED}
        assert entered <= bool(granted & {event.kind for event in decision.events})
        on = decision.position is not Position.SAFE
        assert on == (decision.lane.state in (State.GRANTED, State.EMERGENCY))
        lane = decision.lane
        assert (lane.state in VISITING) == bool(open_visits)
    assert len(ended) == len(set(ended))
