"""The guest's face from frame to frame: a steady box, and whether it is still the same person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.domain import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.vision.picture import View

STILL = 0.04
"""Moves below this fraction of the face's width are the detector's jitter, not the guest's."""
MOVING = 0.20
"""At moves of this fraction the box follows at once."""
SLOWEST = 0.25
"""How much of a small move the box follows in one frame."""
GIST_SIDE = 20
"""Side of the picture of a face that is remembered to know it again, px."""
GIST_PART = (0.10, 0.12, 0.80, 0.52)
"""Left, top, width, height of what is remembered, in the face's box: brows to nose, no mouth."""


@dataclass(slots=True)
class Track:
    """One followed face; changes with every frame, owned by the watch alone."""

    number: int
    x: float
    y: float
    width: float
    """Centre and width of the smoothed box, px; the cascade's boxes are square."""
    seen: float
    """Time of the last frame that showed it, s."""
    since: float
    """Time of the first frame that showed it, s."""
    raw: Box
    """The box as found last: where the next search starts."""
    roll: float = 0.0
    """How far the head leaned when last found, degrees clockwise."""
    misses: int = 0
    """Frames since it was last found."""

    @property
    def box(self) -> Box:
        """The steady box, px."""
        return Box(
            round(self.x - self.width / 2),
            round(self.y - self.width / 2),
            round(self.width),
            round(self.width),
        )

    def follow(self, box: Box, now: float, roll: float = 0.0) -> None:
        """Move to where the face was found: at once if it moved, slowly if it only jitters."""
        x, y = box.x + box.width / 2, box.y + box.height / 2
        move = max(abs(x - self.x), abs(y - self.y)) / max(self.width, 1.0)
        growth = abs(box.width - self.width) / max(self.width, 1.0)
        follow = _gain(move)
        self.x += follow * (x - self.x)
        self.y += follow * (y - self.y)
        self.width += _gain(growth) * (box.width - self.width)
        self.raw, self.seen, self.roll, self.misses = box, now, roll, 0


def begin(number: int, box: Box, now: float) -> Track:
    """A track that starts with a face found at ``box``."""
    return Track(
        number, box.x + box.width / 2, box.y + box.height / 2, float(box.width), now, now, box
    )


def _gain(move: float) -> float:
    """Share of a move that the box follows: small moves are smoothed, large ones are not."""
    share = (move - STILL) / (MOVING - STILL)
    return SLOWEST + (1.0 - SLOWEST) * min(1.0, max(0.0, share))


def gist(view: View, box: Box, margin: float = 0.0) -> NDArray[np.uint8]:
    """A small gray picture of the face without its mouth, with ``margin`` box widths around."""
    left, top, width, height = GIST_PART
    part = Box(
        round(box.x + (left - margin) * box.width),
        round(box.y + (top - margin) * box.height),
        round((width + 2 * margin) * box.width),
        round((height + 2 * margin) * box.height),
    )
    patch = view.gray(part)
    if min(patch.shape, default=0) < 4:
        return np.zeros((0, 0), np.uint8)
    grow = 1.0 + 2 * margin / width
    grow_down = 1.0 + 2 * margin / height
    size = (round(GIST_SIDE * grow), round(GIST_SIDE * grow_down * height / width))
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)


def likeness(remembered: NDArray[np.uint8], around: NDArray[np.uint8]) -> float:
    """How well a remembered gist is found again in a wider one, −1 to 1 (normalised correlation).

    The wider picture lets the remembered one slide: a box that jumps a little is no new face.
    """
    if remembered.size == 0 or around.size == 0:
        return 0.0
    if around.shape[0] < remembered.shape[0] or around.shape[1] < remembered.shape[1]:
        return 0.0
    return float(cv2.matchTemplate(around, remembered, cv2.TM_CCOEFF_NORMED).max())
