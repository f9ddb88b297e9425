"""A template of a face: brows, eyes and nose in a few hundred pixels, to know it again by.

It serves twice: to tell whether a face found at the same place is still the same one, and to
follow a face between two runs of the cascade, for a tenth of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.vision.view import inside, shrunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Image
    from gate.vision.view import View

SIDE = 26
"""Width of a template, px."""
PART = (0.10, 0.12, 0.80, 0.52)
"""Left, top, width, height of what is remembered, in the face's box: brows to nose, no mouth."""
REACH = 0.15
"""How far around its old place a template is looked for, in face widths."""


@dataclass(frozen=True, slots=True)
class FaceTemplate:
    """What is remembered of a face, and where it was."""

    pixels: Image
    box: Box
    unit: float
    """Frame pixels in a pixel of the template."""


@dataclass(frozen=True, slots=True)
class Match:
    """A remembered face found again."""

    likeness: float
    """Normalised correlation, −1 to 1."""
    box: Box
    """The face's box, moved to where the template was found."""


def capture(view: View, box: Box) -> FaceTemplate:
    """Remember the face in ``box``."""
    unit = max(PART[2] * box.width / SIDE, 1e-3)
    pixels, _, _ = _pixels(view, box, unit, 0.0)
    return FaceTemplate(pixels, box, unit)


def match(view: View, known: FaceTemplate, near: Box | None = None) -> Match:
    """Find a remembered face around its old place, or around that of ``near``."""
    near = near or known.box
    centre = (near.x + near.width // 2, near.y + near.height // 2)
    side = known.box.width
    start = Box(centre[0] - side // 2, centre[1] - side // 2, side, side)
    wide, left, top = _pixels(view, start, known.unit, REACH)
    height, width = known.pixels.shape
    if not height or wide.shape[0] < height or wide.shape[1] < width:
        return Match(0.0, near)
    scores = np.asarray(cv2.matchTemplate(wide, known.pixels, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    x_exact = x + _between(scores[y], x)
    y_exact = y + _between(scores[:, x], y)
    home = round(PART[0] * side), round(PART[1] * side)
    moved = Box(
        round(left + x_exact * known.unit) - home[0],
        round(top + y_exact * known.unit) - home[1],
        side,
        side,
    )
    return Match(float(best), moved)


def _pixels(view: View, box: Box, unit: float, margin: float) -> tuple[Image, int, int]:
    """The template's part of the box with ``margin`` around, and its left and top in the frame."""
    more = round(margin * box.width)
    left, top, width, height = PART
    part = inside(
        Box(
            box.x + round(left * box.width) - more,
            box.y + round(top * box.width) - more,
            round(width * box.width) + 2 * more,
            round(height * box.width) + 2 * more,
        ),
        view.bounds,
    )
    size = (round(part.width / unit), round(part.height / unit))
    if min(size) < 6:
        return np.zeros((0, 0), np.uint8), part.x, part.y
    return shrunk(view.gray(part), size), part.x, part.y


def _between(scores: NDArray[np.float32], at: int) -> float:
    """Where between its neighbours a peak lies, −0.5 to 0.5, by a parabola through the three."""
    if at < 1 or at + 1 >= len(scores):
        return 0.0
    before, peak, after = (float(score) for score in scores[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (before - after) / bend))
