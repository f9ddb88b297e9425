"""The sentence of why the gate does not open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gate.core.domain import Observation, Reason, State
from gate.core.explain import REASONS, STATES, Circumstances, explain
from gate.core.rules import RearmRule, Rules
from gate.core.transitions import Lane
from tests.fakes import seen

RULES = Rules(threshold=0.65)
MONDAY = (datetime(2026, 5, 4, 9, 30, tzinfo=UTC), True)


def test_every_reason_and_every_state_has_a_sentence() -> None:
    """Whatever comes, a person is told something; a fault always with what to do."""
    assert REASONS.keys() == set(Reason)
    assert STATES.keys() == set(State)
    for reason, (text, remedy) in REASONS.items():
        assert text.strip()
        assert not text.endswith(".")
        assert remedy or not reason.startswith(("fault_", "emergency")), reason


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "around",
    [
        Circumstances(),
        Circumstances(
            seen(0.2), (Reason.OPERATOR, Reason.KEY_SWITCH, Reason.SCHEDULE), MONDAY, {}, True
        ),
    ],
)
def test_a_lane_is_explained_in_every_state(state: State, around: Circumstances) -> None:
    """With little or much known, the code is a reason or a state and the text is not empty."""
    why = explain(RULES, Lane(state=state), around)
    assert why.code in {*Reason, *State}
    assert why.text


@pytest.mark.parametrize(
    ("observation", "code", "text"),
    [
        (Observation(1, 0.0), "no_face", "nobody is there"),
        (Observation(1, 0.0, obstacle=Reason.TOO_DARK), "too_dark", "it is too dark"),
        (seen(0.58), "no_smile", "no smile: smile 0.58 needs 0.65"),
        (seen(0.9, eyes=1), "eyes_closed", "eyes closed: 1 of 2 open"),
        (seen(0.9), "smiling", "the guest smiles: 3 of 8 pictures"),
        (replace(seen(0.9), alive=False), "photo_suspected", "no sign of life yet"),
        (
            replace(seen(0.9), obstacle=Reason.FACE_TOO_SMALL),
            "face_too_small",
            "the face is too small",
        ),
    ],
)
def test_a_guest_is_told_what_the_newest_frame_lacks(
    observation: Observation, code: str, text: str
) -> None:
    """The sentence has the measured value and the one that is asked for."""
    lane = Lane(state=State.SMILING, count=3)
    why = explain(RULES, lane, Circumstances(newest=observation))
    assert (why.code, why.text) == (code, text)


def test_a_smile_that_is_too_weak_comes_with_its_numbers() -> None:
    """A page can draw the bar without taking the sentence apart."""
    why = explain(RULES, Lane(state=State.FACE_PRESENT), Circumstances(newest=seen(0.58)))
    assert (why.score, why.needs) == (0.58, 0.65)


@pytest.mark.parametrize(
    ("closed_by", "code", "text"),
    [
        ((Reason.SCHEDULE,), "schedule", "closed by the opening hours until Mon 04.05. 09:30"),
        ((Reason.KEY_SWITCH,), "key_switch", "closed by the key switch"),
        (
            (Reason.OPERATOR, Reason.SCHEDULE),
            "operator",
            "an operator closed the lane; the hours keep it closed too until Mon 04.05. 09:30",
        ),
        (
            (Reason.OPERATOR, Reason.KEY_SWITCH),
            "operator",
            "an operator closed the lane; the key switch is off too",
        ),
    ],
)
def test_a_closed_lane_says_by_whom_and_until_when(
    closed_by: tuple[Reason, ...], code: str, text: str
) -> None:
    """The wish that a person can take back comes first; the hours say when they end."""
    around = Circumstances(closed_by=closed_by, next_change=MONDAY)
    why = explain(RULES, Lane(), around)
    assert (why.code, why.text) == (code, text)


def test_a_fault_and_an_emergency_say_what_to_do() -> None:
    """The first fault is named with its detail; a contact that is active is told apart."""
    lane = Lane(state=State.FAULT, faults=((Reason.FAULT_STORE, 1.0), (Reason.FAULT_CAMERA, 2.0)))
    why = explain(RULES, lane, Circumstances(details={Reason.FAULT_STORE: "the disk is full"}))
    assert (why.code, why.text) == (
        "fault_store",
        "the audit log cannot be written: the disk is full",
    )
    assert "free space" in str(why.remedy)
    emergency = Lane(state=State.EMERGENCY)
    assert "still asks" in explain(RULES, emergency, Circumstances(emergency_held=True)).text
    assert "at rest" in explain(RULES, emergency, Circumstances()).text


@pytest.mark.parametrize("rule", [RearmRule.FACE_GONE, RearmRule.PASSAGE])
def test_a_face_that_stays_after_a_grant_is_told(rule: RearmRule) -> None:
    """A poster keeps the next guest out: how long it has done so, and what to do about it."""
    rules, lane = replace(RULES, rearm=rule), Lane(state=State.REARMING)
    why = explain(rules, lane, Circumstances(lasted_s=41))
    assert "has been in it for 40 s: nobody else is let in" in why.text
    assert "a poster or a screen: take it away" in str(why.remedy)
    assert explain(rules, lane, Circumstances(lasted_s=5)).remedy is None
    pause = replace(rules, rearm_s=100.0)
    assert explain(pause, lane, Circumstances(lasted_s=41)).remedy is None
    cool = replace(rules, rearm=RearmRule.COOL_DOWN)
    assert explain(cool, lane, Circumstances(lasted_s=41)).remedy is None


@pytest.mark.parametrize("rule", RearmRule)
def test_a_pause_says_what_ends_it(rule: RearmRule) -> None:
    """What the gate waits for is what the settings ask for."""
    lane = Lane(state=State.REARMING)
    texts = {explain(replace(RULES, rearm=one), lane, Circumstances()).text for one in RearmRule}
    assert len(texts) == len(RearmRule)
    assert explain(replace(RULES, rearm=rule), lane, Circumstances()).code == "rearming"
