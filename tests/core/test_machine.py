"""The state machine, without any I/O."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.domain import EventKind, Position, Reason, Signal, State, Trigger
from gate.core.machine import Decision, deadline, due, replaced, settled, step
from gate.core.rules import RearmRule, Rules
from gate.core.transitions import TRANSITIONS, VISITING, Lane
from gate.errors import IllegalTransition

RULES = Rules(threshold=0.5, frames=3, missed_frames=1)
OPEN = Lane(state=State.IDLE, open=True)
QUALIFYING = Signal(Trigger.QUALIFYING, score=0.9)
FACE = Signal(Trigger.FACE, reason=Reason.NO_SMILE, score=0.1)
NO_FACE = Signal(Trigger.NO_FACE)
COMMITTED = Signal(Trigger.COMMITTED)
PRESS = Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT, who="request to exit")


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
    """A face, then N qualifying frames: the N-th grants, and opens once that is in the log."""
    decisions = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING, COMMITTED)
    assert [decision.lane.state for decision in decisions] == [
        State.FACE_PRESENT,
        State.SMILING,
        State.SMILING,
        State.PENDING,
        State.GRANTED,
    ]
    assert [decision.position for decision in decisions] == [Position.SAFE] * 4 + [Position.GRANTED]
    assert [decision.opens for decision in decisions] == [False] * 4 + [True]
    (granted,) = decisions[-2].events
    assert (decisions[-2].grant, granted.after) == (1, State.GRANTED)
    assert (granted.kind, granted.reason) == (EventKind.GRANTED, Reason.SMILE_HELD)
    assert (granted.frames, granted.score, granted.visit) == (3, 0.9, 1)


def test_the_first_frame_of_a_visit_does_not_count() -> None:
    """A guest who appears smiling is first seen, then counted."""
    assert play(QUALIFYING, QUALIFYING, QUALIFYING)[-1].lane.state is State.SMILING


def test_a_smile_may_miss_as_many_frames_as_it_is_allowed() -> None:
    """A blink of `missed_frames` frames does not end the count; the misses of a smile add up."""
    forgiven = play(FACE, QUALIFYING, FACE, QUALIFYING, QUALIFYING)
    assert forgiven[-1].lane.state is State.PENDING
    again = play(FACE, QUALIFYING, FACE, QUALIFYING, NO_FACE)
    assert (again[-1].lane.state, again[-1].lane.count) == (State.FACE_PRESENT, 0)


def test_an_input_is_no_missed_frame() -> None:
    """Somebody who calls for help, or a loose housing, does not take a smile from a guest."""
    calls = [Signal(Trigger.ASSIST), Signal(Trigger.TAMPER)] * 3
    assert play(FACE, QUALIFYING, *calls)[-1].lane.missed == 0


def test_one_frame_is_enough_where_one_is_asked_for() -> None:
    """With N = 1 the first counted frame grants."""
    decisions = play(FACE, QUALIFYING, rules=replace(RULES, frames=1))
    assert decisions[-1].lane.state is State.PENDING


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
    lane = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING, COMMITTED)[-1].lane
    assert deadline(RULES, lane) == pytest.approx(0.4 + RULES.hold_s)
    assert due(RULES, lane, 0.4 + RULES.hold_s - 0.01) is None
    signal = due(RULES, lane, 0.4 + RULES.hold_s)
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
    granted = play(FACE, QUALIFYING, QUALIFYING, QUALIFYING, COMMITTED)[-1].lane
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
    awaits = trigger in (Trigger.COMMITTED, Trigger.COMMIT_MISSED)
    lane = Lane(state=state, open=True, visit=1, count=1, pending=1 if awaits else None)
    before = replace(lane)
    if (state, trigger) in TRANSITIONS:
        reached = step(RULES, lane, Signal(trigger), 1.0).lane.state
        assert reached in {arc.to for arc in TRANSITIONS[state, trigger]}
    else:
        with pytest.raises(IllegalTransition, match=str(trigger)):
            step(RULES, lane, Signal(trigger), 1.0)
    assert lane == before


@pytest.mark.parametrize("state", [State.PENDING, State.GRANTED])
def test_a_commit_of_no_pending_grant_is_refused(state: State) -> None:
    """Nothing opens by an answer of the log that nobody waits for."""
    with pytest.raises(IllegalTransition, match="no grant is pending"):
        step(RULES, replace(OPEN, state=state), COMMITTED, 1.0)


def test_every_pair_of_the_table_ends_with_a_row_that_always_holds() -> None:
    """No signal that the table knows can fall through all of its conditions."""
    for arcs in TRANSITIONS.values():
        assert arcs[-1].condition is None
        assert all(arc.condition is not None for arc in arcs[:-1])


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


@pytest.mark.slow
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
        committed = lane.state is State.PENDING and signal.trigger is Trigger.COMMITTED
        assert entered <= (committed or signal.trigger is Trigger.REQUEST_TO_EXIT)
        assert decision.opens >= entered
        on = decision.position is not Position.SAFE
        assert on == (decision.lane.state in (State.GRANTED, State.EMERGENCY))
        lane = decision.lane
        assert (lane.state in VISITING) == bool(open_visits)
    assert len(ended) == len(set(ended))


def granted() -> Lane:
    return play(FACE, QUALIFYING, QUALIFYING, QUALIFYING, COMMITTED)[-1].lane


def pending() -> Lane:
    return play(FACE, QUALIFYING, QUALIFYING, QUALIFYING)[-1].lane


def test_a_grant_that_is_not_in_the_log_in_time_lapses() -> None:
    """The visit ends, the lane is at fault, and the commit that comes later opens nothing."""
    lane = pending()
    at = lane.pending_since + RULES.grant_within_s
    assert due(RULES, lane, at - 0.01) is None
    signal = due(RULES, lane, at)
    assert signal is not None
    decision = step(RULES, lane, signal, at)
    assert kinds([decision]) == [EventKind.VISIT_LEFT, EventKind.FAULT]
    assert (decision.lane.state, decision.position) == (State.FAULT, Position.SAFE)
    late = settled(decision.lane, 1, 57, 1)
    lapsed = step(RULES, decision.lane, late, at + 1)
    assert (lapsed.lane.state, lapsed.opens) == (State.FAULT, False)
    (event,) = lapsed.events
    assert (event.kind, event.detail, event.visit) == (EventKind.GRANT_LAPSED, "event 57", 1)


@pytest.mark.parametrize(
    "signal",
    [
        Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT),
        Signal(Trigger.CLOSED, Reason.SCHEDULE),
        Signal(Trigger.STOPPED),
        Signal(Trigger.FAULT, Reason.FAULT_CAMERA),
    ],
)
def test_whatever_ends_a_pending_grant_has_it_lapse(signal: Signal) -> None:
    """An emergency, a close, a stop, a fault: the commit that follows opens nothing."""
    after = step(RULES, pending(), signal, 1.0).lane
    assert after.pending is None
    assert settled(after, 1, 57, 1).trigger is Trigger.LAPSED


@pytest.mark.parametrize(
    "part", [part for part in Reason if part.startswith("fault_") and part != "fault_relay"]
)
def test_a_fault_in_a_hold_does_not_shut_the_gate(part: Reason) -> None:
    """The hold is finished, and the lane is at fault afterwards."""
    during, ended, rearmed = play(
        Signal(Trigger.FAULT, part),
        Signal(Trigger.HOLD_ELAPSED),
        Signal(Trigger.REARMED),
        lane=granted(),
    )
    assert (during.lane.state, during.position) == (State.GRANTED, Position.GRANTED)
    assert due(RULES, during.lane, granted().since + RULES.hold_s) is not None
    assert ended.position is Position.SAFE
    assert rearmed.lane.state is State.FAULT


def test_a_fault_of_the_relay_ends_a_hold() -> None:
    """Also where another part was at fault before."""
    _, failed = play(
        Signal(Trigger.FAULT, Reason.FAULT_CAMERA),
        Signal(Trigger.FAULT, Reason.FAULT_RELAY),
        lane=granted(),
    )
    assert (failed.lane.state, failed.position) == (State.FAULT, Position.SAFE)


def test_a_press_in_a_hold_lengthens_it_and_opens_anew() -> None:
    """The hold is counted from the press."""
    lane = granted()
    decision = step(RULES, lane, PRESS, lane.since + 4.9)
    assert (decision.lane.state, decision.opens, decision.way_out) == (State.GRANTED, True, True)
    assert deadline(RULES, decision.lane) == lane.since + 4.9 + RULES.hold_s


def test_an_operator_s_opening_in_a_hold_lengthens_it_once_it_is_in_the_log() -> None:
    """Without its record the hold ends as if nothing had been asked."""
    lane = granted()
    asked = step(RULES, lane, Signal(Trigger.OPERATOR_GRANT, who="kim"), lane.since + 1)
    assert (asked.lane.state, asked.opens, asked.lane.since) == (State.GRANTED, False, lane.since)
    longer = step(RULES, asked.lane, COMMITTED, lane.since + 1.1)
    assert (longer.opens, longer.lane.since) == (True, lane.since + 1.1)
    missed = step(RULES, asked.lane, Signal(Trigger.COMMIT_MISSED), lane.since + 1.5)
    assert (missed.lane.state, missed.lane.since) == (State.GRANTED, lane.since)


@pytest.mark.parametrize("state", [state for state in State if state is not State.EMERGENCY])
def test_a_press_opens_at_once_in_every_state(state: State) -> None:
    """No part at fault and no pending grant keeps anybody in."""
    lane = replace(OPEN, state=state, faults=((Reason.FAULT_STORE, 0.0),))
    decision = step(RULES, lane, PRESS, 1.0)
    assert (decision.lane.state, decision.opens, decision.way_out) == (State.GRANTED, True, True)


def test_a_stop_does_not_end_an_emergency() -> None:
    """Its position is the last one; only a person ends it."""
    decision = step(RULES, replace(OPEN, state=State.EMERGENCY), Signal(Trigger.STOPPED), 1.0)
    assert (decision.lane.state, decision.position) == (State.EMERGENCY, Position.EMERGENCY)
    assert kinds([decision]) == [EventKind.STOPPED]
