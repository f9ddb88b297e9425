"""Settings that are proposed from one who stood at the gate."""

from __future__ import annotations

import pytest

from gate.core.domain import Box
from gate.doctor.face import Met, judged
from gate.doctor.finding import Grade
from gate.doctor.proposal import FARTHER, SMALLEST, WHOLE, for_looking, min_height, region
from tests.doctor.patients import config


def stood(*boxes: Box) -> Met:
    """Somebody who was seen in a picture of 640×480, well lit and smiling."""
    many = len(boxes)
    return Met(0.6, (640, 480), [*boxes], [0.9] * many, [2] * many, [120.0] * many)


def near(x: int) -> Met:
    """A face 96 px high, whose left edge is at ``x``."""
    return stood(Box(x - 3, 150, 90, 94), Box(x, 150, 90, 96), Box(x, 152, 90, 97))


def test_a_guest_who_stands_half_as_far_again_counts() -> None:
    """And the one who stood there passes the doctor's test with these settings."""
    met = near(300)
    assert min_height(met) == 0.13
    assert min_height(met) <= met.share / FARTHER
    after = config(face={"min_height": min_height(met), "region": list(region(met))})
    assert judged(met, after).verdict is Grade.OK


def test_no_face_is_asked_for_that_no_model_can_judge() -> None:
    """Somebody far away is no reason to look for specks."""
    assert min_height(stood(Box(300, 200, 26, 26))) == SMALLEST


@pytest.mark.parametrize("x", range(20, 540, 13))
def test_the_region_has_the_guest_with_room_on_both_sides(x: int) -> None:
    """Two widths of the face, or up to the edge; all heights; and settings that a gate takes."""
    met = near(x)
    left, top, width, height = config(face={"region": list(region(met))}).face.region
    assert (top, height) == (0.0, 1.0)
    assert left * 640 <= max(0, x - 3 - 180)
    assert round((left + width) * 640) >= min(640, x + 90 + 180)
    assert (left, width) != (0.0, 1.0)


def test_a_guest_who_fills_the_picture_needs_no_region() -> None:
    """Nor one who walked through it."""
    assert region(stood(Box(220, 100, 200, 210))) == WHOLE
    assert region(stood(Box(20, 100, 90, 96), Box(520, 100, 90, 96))) == WHOLE


def test_somebody_is_looked_for_wherever_they_stand() -> None:
    """What an earlier trial made of the settings hides nobody."""
    tuned = config(face={"min_height": 0.5, "region": [0.1, 0.1, 0.2, 0.2], "lost_s": 0.7})
    face = for_looking(tuned).face
    assert (face.min_height, face.region, face.lost_s) == (SMALLEST, (0, 0, 1, 1), 0.7)
