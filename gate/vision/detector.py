"""Detection of faces: the frontal Haar cascade, run at the scale that the face size allows.

The cascade's window is 24 px. Searching a picture at full size for faces of 100 px and more looks
at every pixel many times for nothing: here the picture is first scaled so that the smallest face
asked for is just above the window (Viola and Jones, "Rapid object detection using a boosted
cascade of simple features", 2001; OpenCV's `CascadeClassifier`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.vision import cascades
from gate.vision.view import View, around, inside, shrunk

if TYPE_CHECKING:
    from gate.core.domain import Image

WINDOW = 24
"""Side of the cascade's window, px."""
BASE = 28
"""Width to which the smallest face asked for is scaled, px: a little above the window."""
NEAR_BASE = 40
"""Width to which a face that is followed is scaled, px."""
NEAR_STEP = 1.1
NEAR_GROWTH, WIDE_GROWTH = 1.13, 1.4
"""Factor by which a face may have grown or shrunk, from one frame to the next and when missed."""
NEAR_MARGIN, WIDE_MARGIN = 0.22, 0.4
"""Distance from the last place within which it is looked for, in face widths."""
TILTED_NEIGHBOURS = 2
CONFIRM_SIDE = 48
"""Width to which a face that is to be confirmed is scaled, px."""
CONFIRM_MARGIN = 0.25
FLAT, CONTRAST = 2.0, 30.0
"""Standard deviations, gray levels, between which a patch is equalised before the search."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that the cascade found, with how many windows agreed on it."""

    box: Box
    votes: int


def smallness(width: int, height: int) -> str | None:
    """A hint where a picture is so small that a face hardly fits into it; None where it is not."""
    if min(width, height) >= 4 * WINDOW:
        return None
    return f"{width}×{height} px is small: a face must be {WINDOW} px wide to be found"


class FaceDetector:
    """Finds frontal faces in a part of a picture."""

    def __init__(self) -> None:
        self._cascade = cascades.load(cascades.FACE)
        self._second = cascades.load(cascades.SECOND)
        self.pixels = 0
        """Pixels that the cascades were run on since the start: work that can be counted."""

    def detect(
        self,
        view: View,
        part: Box | None = None,
        *,
        smallest: float,
        largest: float,
        step: float = 1.2,
        neighbours: int = 4,
        base: int = BASE,
    ) -> list[Detection]:
        """Faces of ``smallest`` to ``largest`` px width in ``part`` of the picture, largest first.

        Boxes are in pixels of the picture. ``step`` is the ratio of one searched size to the next,
        ``neighbours`` how many windows must agree.
        """
        part = inside(part or view.bounds, view.bounds)
        shrink = min(1.0, base / max(smallest, 1.0))
        size = (round(part.width * shrink), round(part.height * shrink))
        if min(size) < WINDOW:
            return []
        patch = view.gray(part)
        if patch.shape != (size[1], size[0]):
            patch = shrunk(patch, size)
        across, down = part.width / size[0], part.height / size[1]
        return [
            Detection(
                Box(
                    part.x + round(x * across),
                    part.y + round(y * down),
                    round(width * across),
                    round(height * down),
                ),
                votes,
            )
            for (x, y, width, height), votes in self._detect(
                patch, smallest * shrink, largest * shrink, step, neighbours
            )
        ]

    def detect_near(self, view: View, last: Box, *, wide: bool = False) -> Detection | None:
        """The face that was in ``last`` a frame ago; ``wide`` after it was missed, or to make sure.

        The detection with most votes wins: a weaker one in the same patch is a chance hit.
        """
        growth = WIDE_GROWTH if wide else NEAR_GROWTH
        found = self.detect(
            view,
            around(last, WIDE_MARGIN if wide else NEAR_MARGIN),
            smallest=last.width / growth,
            largest=last.width * growth,
            step=NEAR_STEP,
            neighbours=1,
            base=round(NEAR_BASE / growth),
        )
        return max(found, key=lambda seen: seen.votes, default=None)

    def detect_tilted(self, view: View, last: Box, degrees: float) -> Detection | None:
        """Like `near`, for a head that leans ``degrees`` clockwise (negative: the other way)."""
        part = inside(around(last, WIDE_MARGIN), view.bounds)
        shrink = NEAR_BASE / max(last.width, 1)
        size = (round(part.width * shrink), round(part.height * shrink))
        if min(size) < WINDOW:
            return None
        small = shrunk(view.gray(part), size)
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
        turned = np.asarray(
            cv2.warpAffine(small, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        found = self._detect(
            turned, NEAR_BASE / WIDE_GROWTH, NEAR_BASE * WIDE_GROWTH, NEAR_STEP, TILTED_NEIGHBOURS
        )
        if not found:
            return None
        (x, y, width, height), votes = max(found, key=lambda seen: seen[1])
        back = cv2.invertAffineTransform(turn) @ (x + width / 2, y + height / 2, 1.0)
        side = round(width / shrink)
        left = round(part.x + back[0] / shrink - side / 2)
        top = round(part.y + back[1] / shrink - side / 2)
        return Detection(Box(left, top, side, side), votes)

    def confirm(self, view: View, box: Box, neighbours: int = 1) -> bool:
        """Whether a second, differently trained cascade sees a face there too."""
        part = inside(around(box, CONFIRM_MARGIN), view.bounds)
        shrink = CONFIRM_SIDE / max(box.width, 1)
        size = (round(part.width * shrink), round(part.height * shrink))
        if min(size) < WINDOW:
            return False
        patch = equalised(shrunk(view.gray(part), size))
        self.pixels += patch.size
        low, high = round(0.6 * CONFIRM_SIDE), round(1.5 * CONFIRM_SIDE)
        return (
            len(
                self._second.detectMultiScale(
                    patch,
                    scaleFactor=1.08,
                    minNeighbors=neighbours,
                    minSize=(low, low),
                    maxSize=(high, high),
                )
            )
            > 0
        )

    def _detect(
        self, patch: Image, smallest: float, largest: float, step: float, neighbours: int
    ) -> list[tuple[tuple[int, int, int, int], int]]:
        """Boxes (x, y, width, height) in the patch with their votes, largest first."""
        self.pixels += patch.size
        patch = equalised(patch)
        low = max(WINDOW, int(smallest))
        high = max(low, int(largest) + 1)
        boxes, votes = self._cascade.detectMultiScale2(
            patch,
            scaleFactor=step,
            minNeighbors=neighbours,
            minSize=(low, low),
            maxSize=(high, high),
        )
        found = [
            ((int(x), int(y), int(width), int(height)), int(count))
            for (x, y, width, height), count in zip(boxes, votes, strict=True)
        ]
        return sorted(found, key=lambda seen: seen[0][2], reverse=True)


def equalised(patch: Image) -> Image:
    """The patch with its histogram equalised where its contrast is low; as it is where it is not.

    OpenCV's cascade passes over windows of little variance: unequalised, it found 0 % of faces at
    8 % of the light and 7 % of hazy ones, equalised 91 and 89 % (``tests/benchmarks/light.py``;
    gamma and CLAHE were worse). A patch without any contrast is noise, and stays it.
    """
    spread = float(cv2.meanStdDev(patch)[1][0, 0])
    if not FLAT <= spread < CONTRAST:
        return patch
    return np.asarray(cv2.equalizeHist(patch), np.uint8)


def iou(first: Box, second: Box) -> float:
    """Shared area over joint area, 0–1 (intersection over union)."""
    shared = inside(first, second)
    common = shared.width * shared.height
    union = first.width * first.height + second.width * second.height - common
    return common / union if union else 0.0
