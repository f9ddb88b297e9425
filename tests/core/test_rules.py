from __future__ import annotations

from dataclasses import replace

import pytest

from gate.core.domain import Observation, Reason, Trigger
from gate.core.rules import Rules, interpret, why, why_not
from tests.fakes import seen

RULES = Rules(threshold=0.5)


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (seen(), None),
        (seen(smile=0.5), None),
        (Observation(0, 0.0), Reason.NO_FACE),
        (seen(smile=0.49), Reason.NO_SMILE),
        (seen(smile=None), Reason.NO_SMILE),
        (seen(smile=float("nan")), Reason.NO_SMILE),
        (seen(eyes=1), Reason.EYES_CLOSED),
        (seen(eyes=None), Reason.EYES_CLOSED),
        (replace(seen(), alive=False), Reason.PHOTO_SUSPECTED),
        (replace(seen(), obstacle=Reason.TOO_DARK), Reason.TOO_DARK),
        (replace(seen(), faces=seen().faces * 2), Reason.MORE_THAN_ONE_FACE),
    ],
)
def test_a_frame_qualifies_or_says_why_not(observation: Observation, reason: Reason | None) -> None:
    """One living face, smiling, eyes open, and nothing in the way."""
    assert why_not(RULES, observation) is reason


@pytest.mark.parametrize(
    ("asked", "open_eyes", "good"), [(2, 1, False), (1, 1, True), (0, 0, True)]
)
def test_as_many_eyes_as_are_asked_for(asked: int, open_eyes: int, good: bool) -> None:
    """Rides ask for two eyes, one, or none."""
    assert (why_not(replace(RULES, eyes=asked), seen(eyes=open_eyes)) is None) is good


def test_an_observation_becomes_one_signal() -> None:
    """Nobody, a face with its reason, or a face that qualifies."""
    assert interpret(RULES, Observation(7, 0.0)).trigger is Trigger.NO_FACE
    face = interpret(RULES, seen(smile=0.2, number=8))
    assert (face.trigger, face.reason, face.frame) == (Trigger.FACE, Reason.NO_SMILE, 8)
    assert interpret(RULES, seen()).trigger is Trigger.QUALIFYING


@pytest.mark.parametrize(
    ("tally", "reason"),
    [
        ({}, Reason.NOT_HELD),
        ({Reason.FACE_TOO_SMALL: 50, Reason.NO_SMILE: 50}, Reason.NO_SMILE),
        ({Reason.NO_SMILE: 50, Reason.EYES_CLOSED: 50}, Reason.EYES_CLOSED),
        ({Reason.NO_SMILE: 80, Reason.EYES_CLOSED: 20}, Reason.NO_SMILE),
        ({Reason.TOO_DARK: 5}, Reason.TOO_DARK),
    ],
)
def test_a_visit_is_explained_by_how_far_the_guest_came(
    tally: dict[Reason, int], reason: Reason
) -> None:
    """The furthest check that stopped a quarter of the frames, not a stray one."""
    assert why(tuple(tally.items())) is reason
