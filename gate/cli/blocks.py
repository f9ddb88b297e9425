"""A picture drawn in a terminal: two pixels a character, one above the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from gate.core.domain import Image

UPPER_HALF = "▀"


def drawn(image: Image, columns: int) -> Text:
    """A (height, width) gray or (height, width, 3) BGR picture, so many characters wide.

    A character is about twice as high as it is wide, so its two pixels are square.
    """
    height, width = image.shape[:2]
    columns = max(1, min(columns, width))
    rows = max(1, round(height * columns / width / 2))
    down = _middles(height, 2 * rows)
    small = image[down][:, _middles(width, columns)]
    if small.ndim == 2:
        small = np.repeat(small[:, :, None], 3, axis=2)
    text = Text(no_wrap=True)
    for row in range(rows):
        for upper, lower in zip(small[2 * row], small[2 * row + 1], strict=True):
            text.append(UPPER_HALF, Style(color=_colour(upper), bgcolor=_colour(lower)))
        text.append("\n")
    return text


def _middles(length: int, parts: int) -> list[int]:
    """The middle pixel of each part."""
    return [(2 * part + 1) * length // (2 * parts) for part in range(parts)]


def _colour(pixel: Image) -> Color:
    blue, green, red = (int(value) for value in pixel[:3])
    return Color.from_rgb(red, green, blue)
