"""Lids drawn together in a real photo."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.training import lids
from tests.seeing import FACE, astronaut, covered

GRAY: Any = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
BOX = Box(*FACE)


def eye(image: Any, side: int) -> Any:
    """The opening of the viewer's left or right eye."""
    places = lids.eyes(GRAY, BOX)
    assert places is not None
    x, y = (round(BOX.x + places[side][0] * 95), round(BOX.y + places[side][1] * 95))
    return image[y - 4 : y + 5, x - 8 : x + 9]


def test_both_eyes_are_found_where_they_are() -> None:
    """The astronaut's irises must be found to a few pixels, and none behind a cover."""
    places = lids.eyes(GRAY, BOX)
    assert places is not None
    for found, true in zip(places, ((202, 101), (245, 103)), strict=True):
        assert abs(BOX.x + 95 * found[0] - true[0]) < 5
        assert abs(BOX.y + 95 * found[1] - true[1]) < 5
    assert lids.eyes(covered(GRAY[..., None], (185, 80, 80, 40))[..., 0], BOX) is None


@pytest.mark.parametrize("side", [0, 1])
def test_a_wink_shuts_one_eye_alone(side: int) -> None:
    """Less of the dark eye must be left on that side, and the other one must not change."""
    places = lids.eyes(GRAY, BOX)
    assert places is not None
    openings = (0.1, 1.0) if side == 0 else (1.0, 0.1)
    wink = lids.drawn_together(GRAY, BOX, places, openings)
    assert np.mean(eye(wink, side) < 90) < 0.6 * np.mean(eye(GRAY, side) < 90)
    assert np.array_equal(eye(wink, 1 - side), eye(GRAY, 1 - side))


def test_nothing_outside_the_eyes_moves() -> None:
    """The mouth and the far background must stay as they were."""
    places = lids.eyes(GRAY, BOX)
    assert places is not None
    shut = lids.drawn_together(GRAY, BOX, places, (0.1, 0.1))
    assert np.array_equal(shut[120:], GRAY[120:])
    assert np.array_equal(shut[:75], GRAY[:75])
