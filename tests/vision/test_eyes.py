"""Open eyes by the cascade."""

from __future__ import annotations

import pytest

from gate.core.domain import Box
from gate.vision.eyes import EyeRules, Eyes, Method
from gate.vision.view import View
from tests.seeing import EYES, FACE, astronaut, covered


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    return Eyes(EyeRules(Method.HAAR))


def test_finds_both_open_eyes_of_a_real_face(eyes: Eyes) -> None:
    """A sharp frontal face with open eyes has two."""
    assert eyes.look(View(astronaut()), Box(*FACE)) == (1.0, 1.0)


def test_finds_no_eye_under_a_cover(eyes: Eyes) -> None:
    """Covered eyes are not open eyes."""
    assert eyes.look(View(covered(astronaut(), EYES)), Box(*FACE)) == (0.0, 0.0)


def test_finds_one_eye_where_the_other_is_covered(eyes: Eyes) -> None:
    """Each side counts on its own."""
    x, y, width, height = EYES
    half = covered(astronaut(), (x, y, width // 2, height))
    assert eyes.look(View(half), Box(*FACE)) == (0.0, 1.0)


def test_a_box_outside_the_picture_has_no_eyes(eyes: Eyes) -> None:
    """A tracked box may leave the frame; that is no error."""
    assert eyes.look(View(astronaut()), Box(900, 900, 80, 80)) == (0.0, 0.0)
