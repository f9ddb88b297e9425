"""Pictures drawn in a terminal."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.color_triplet import ColorTriplet
from rich.console import Console

from gate.cli.blocks import UPPER_HALF, drawn

RED, BLUE = (0, 0, 255), (255, 0, 0)  # BGR


def test_a_character_has_two_pixels_in_their_colours() -> None:
    """The upper one before the lower one; blue and red are not exchanged."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[:60], image[60:] = RED, BLUE
    text = drawn(image, 40)
    rows = text.plain.splitlines()
    assert rows == [UPPER_HALF * 40] * 15
    first, middle, last = (text.spans[40 * row].style for row in (0, 7, 14))
    for style, upper, lower in (
        (first, (255, 0, 0), (255, 0, 0)),
        (middle, (255, 0, 0), (0, 0, 255)),
        (last, (0, 0, 255), (0, 0, 255)),
    ):
        assert not isinstance(style, str)
        assert style.color is not None
        assert style.bgcolor is not None
        assert style.color.triplet == ColorTriplet(*upper)
        assert style.bgcolor.triplet == ColorTriplet(*lower)


@pytest.mark.parametrize("shape", [(480, 640), (480, 640, 3), (640, 480, 4), (1, 1), (1, 900)])
def test_every_picture_can_be_drawn(shape: tuple[int, ...]) -> None:
    """Gray, with an alpha channel, tiny, or a line; never wider than it is told."""
    out = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=60)
    text = drawn(np.full(shape, 90, np.uint8), 50)
    assert 1 <= max(map(len, text.plain.splitlines())) <= 50
    out.print(text)
