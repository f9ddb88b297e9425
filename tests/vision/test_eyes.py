"""Open eyes by the cascade."""

from __future__ import annotations

import pytest

from gate.domain import Box
from gate.vision.eyes import EyeFinder
from tests.seeing import EYES, FACE, astronaut, covered


@pytest.fixture(scope="module")
def eyes() -> EyeFinder:
    return EyeFinder()


def test_finds_both_open_eyes_of_a_real_face(eyes: EyeFinder) -> None:
    """A sharp frontal face with open eyes has two."""
    assert eyes.count(astronaut(), Box(*FACE)) == 2


def test_finds_no_eye_under_a_cover(eyes: EyeFinder) -> None:
    """Covered eyes are not open eyes."""
    assert eyes.count(covered(astronaut(), EYES), Box(*FACE)) == 0


def test_finds_one_eye_where_the_other_is_covered(eyes: EyeFinder) -> None:
    """Each side counts on its own."""
    x, y, width, height = EYES
    assert eyes.count(covered(astronaut(), (x, y, width // 2, height)), Box(*FACE)) == 1


def test_a_box_outside_the_picture_has_no_eyes(eyes: EyeFinder) -> None:
    """A tracked box may leave the frame; that is no error."""
    assert eyes.count(astronaut(), Box(900, 900, 80, 80)) == 0
