"""What is drawn into a picture."""

from __future__ import annotations

import numpy as np
import pytest

from gate.core.domain import Box, Face, Observation, Reason
from gate.replay.overlay import draw


@pytest.mark.parametrize("shape", [(240, 320, 3), (240, 320), (240, 320, 4), (30, 20, 3)])
def test_a_copy_in_colour_is_drawn_on(shape: tuple[int, ...]) -> None:
    """The picture that came in stays as it was; what comes out can be written as a video."""
    image = np.full(shape, 90, np.uint8)
    face = Face(Box(10, 10, 90, 90), 0.9, 2)
    seen = Observation(0, 0.0, (face, Face(Box(-20, 200, 80, 80))), obstacle=Reason.TOO_DARK)
    drawn = draw(image, seen, threshold=0.5, caption="smiling 3/8")
    assert drawn.shape == (*shape[:2], 3)
    assert (image == 90).all()
    assert (drawn != 90).any()


def test_the_verdict_decides_the_colour() -> None:
    """Green is for a smile that counts, red for everything else."""
    image = np.zeros((240, 320, 3), np.uint8)
    face = Face(Box(100, 60, 90, 90), 0.9, 2)
    good = draw(image, Observation(0, 0.0, (face,)), threshold=0.5)
    bad = draw(image, Observation(0, 0.0, (face,)), threshold=0.95)
    assert good[60, 145, 1] > good[60, 145, 2]
    assert bad[60, 145, 2] > bad[60, 145, 1]
