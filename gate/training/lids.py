"""Lids drawn together in a picture: narrowed eyes, shut ones and winks, made by warping open ones.

What lies between the lids is pressed together, and the lids are drawn over it, most of the way by
the upper one. The same warp makes narrow open eyes and shut ones, so that no model can tell them by
traces of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.vision import cascades
from gate.vision.framing import cut
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Box, Image

SIDE = 160
"""Pixels to which the Haar box is brought before the eye cascade looks for its eyes."""
TOP, BOTTOM = 0.2, 0.56
"""The band of the Haar box that is searched."""
NEAR = 0.025
"""How far above and below the middle of a find the iris, the darkest line, is looked for."""
ABOVE, BELOW = 0.058, 0.043
"""Heights of an open eye above and below its iris' centre, lashes included."""
REACH = 0.13
"""Heights above and below to which lids and cheek stretch."""
MET = 0.2
"""Opening below which lids have met, and a dark line of lashes runs along them."""
LASHES, LASH_LINE = 0.1, 0.007
"""Half the length and half the thickness of that line; it hangs down in its middle."""
HALF_WIDTH = 0.15
"""Half the width in which the lids move; beyond four fifths of it less and less."""
DOWN = 0.018
"""Height below the iris' centre at which the lids meet."""


Place = tuple[float, float]
"""Centre of an iris, in units of the Haar box."""


def eyes(gray: Image, box: Box) -> tuple[Place, Place] | None:
    """Return where the viewer's left and right eye are, or None where the cascade misses one."""
    view = cut(gray, box, Framing(1.0, 0.0, 0.0), (SIDE, SIDE))
    band = view[round(TOP * SIDE) : round(BOTTOM * SIDE)]
    smallest, largest = round(0.15 * SIDE), round(0.35 * SIDE)
    found = _cascade().detectMultiScale(
        cv2.equalizeHist(band), 1.05, 3, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    places = []
    for side in (0, 1):
        half = [one for one in found if (one[0] + one[2] / 2 >= SIDE / 2) == bool(side)]
        if not half:
            return None
        x, y, wide, high = (int(n) for n in max(half, key=lambda one: int(one[2])))
        middle = TOP + (y + high / 2) / SIDE
        places.append(((x + wide / 2) / SIDE, _darkest(view, (x + wide / 2) / SIDE, middle)))
    return places[0], places[1]


def drawn_together(
    gray: Image, box: Box, places: tuple[Place, Place], openings: tuple[float, float]
) -> Image:
    """Return the picture with the eyes at ``places`` opened that far, left and right.

    1 leaves an eye as it is; 0.5 is narrow, 0.1 and less is shut.
    """
    height, width = gray.shape
    across, down = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    unit_x = (across + 0.5 - box.x) / box.width
    unit_y = (down + 0.5 - box.y) / box.height
    source = unit_y.copy()
    for (centre, iris), opening in zip(places, openings, strict=True):
        meeting = iris + DOWN
        moved = meeting + _from_where(unit_y - meeting, opening)
        off = np.abs(unit_x - centre) / HALF_WIDTH
        share = np.clip((1.0 - off) / 0.2, 0.0, 1.0)
        source += share * (moved - unit_y)
    rows = source * box.height + box.y - 0.5
    drawn = cv2.remap(
        gray, across, rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    for place, opening in zip(places, openings, strict=True):
        if opening < MET:
            off = (unit_x - place[0]) / LASHES
            hang = place[1] + DOWN - 0.02 * off * off
            along = np.clip((1.0 - np.abs(off)) / 0.2, 0.0, 1.0)
            line = along * np.exp(-(((unit_y - hang) / LASH_LINE) ** 2))
            drawn += line * (_darkness(gray, box, place) - drawn)
    result: Image = np.clip(drawn, 0, 255).astype(np.uint8)
    return result


def _darkness(gray: Image, box: Box, place: Place) -> float:
    """Return how dark an eye's lashes are taken to be: as its darker third."""
    left, right = (round(box.x + (place[0] + side) * box.width) for side in (-0.1, 0.1))
    top, bottom = (round(box.y + (place[1] + side) * box.height) for side in (-ABOVE, BELOW))
    part = gray[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(np.percentile(part, 33)) if part.size else 0.0


def _darkest(view: Image, across: float, middle: float) -> float:
    """Return the height of the darkest line near the middle of a find, in units of the box."""
    left, right = round((across - 0.06) * SIDE), round((across + 0.06) * SIDE)
    top, bottom = round((middle - NEAR - 0.02) * SIDE), round((middle + NEAR + 0.02) * SIDE)
    lines = view[top:bottom, max(0, left) : right].mean(axis=1, dtype=np.float64)
    window = round(0.04 * SIDE)
    smooth = np.convolve(lines, np.ones(window) / window, "valid")
    return (top + int(np.argmin(smooth)) + window / 2) / SIDE


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cascades.load(cascades.EYES)


def _from_where(offset: NDArray[np.float32], opening: float) -> NDArray[np.float32]:
    """Return where a line, so far below the lids' meeting, came from."""
    places = np.array([-REACH, -(ABOVE + DOWN) * opening, (BELOW - DOWN) * opening, REACH])
    origins = np.array([-REACH, -(ABOVE + DOWN), BELOW - DOWN, REACH])
    moved = np.interp(offset, places, origins)
    result: NDArray[np.float32] = np.where(np.abs(offset) < REACH, moved, offset).astype(np.float32)
    return result
