"""Open eyes by the cascade."""

from __future__ import annotations

import pytest

from gate.core.domain import Box
from gate.core.rules import EyeMethod
from gate.vision.eyes import EyeJudge, EyeRules
from gate.vision.view import View
from tests.seeing import EYES, FACE, astronaut, covered


@pytest.fixture(scope="module")
def eyes() -> EyeJudge:
    return EyeJudge(EyeRules(EyeMethod.HAAR))


def test_finds_both_open_eyes_of_a_real_face(eyes: EyeJudge) -> None:
    """A sharp frontal face with open eyes has two."""
    assert eyes.score(View(astronaut()), Box(*FACE)) == (1.0, 1.0)


def test_finds_no_eye_under_a_cover(eyes: EyeJudge) -> None:
    """Covered eyes are not open eyes."""
    assert eyes.score(View(covered(astronaut(), EYES)), Box(*FACE)) == (0.0, 0.0)


def test_finds_one_eye_where_the_other_is_covered(eyes: EyeJudge) -> None:
    """Each side counts on its own."""
    x, y, width, height = EYES
    half = covered(astronaut(), (x, y, width // 2, height))
    assert eyes.score(View(half), Box(*FACE)) == (0.0, 1.0)


def test_a_box_outside_the_picture_has_no_eyes(eyes: EyeJudge) -> None:
    """A tracked box may leave the frame; that is no error."""
    assert eyes.score(View(astronaut()), Box(900, 900, 80, 80)) == (0.0, 0.0)
