"""Where the faces are: the frontal Haar cascade, run at the scale that the face size allows.

The cascade's window is 24 px. Searching a picture at full size for faces of 100 px and more looks
at every pixel many times for nothing: here the picture is first scaled so that the smallest face
asked for is just above the window (Viola and Jones, "Rapid object detection using a boosted
cascade of simple features", 2001; OpenCV's `CascadeClassifier`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from gate.domain import Box
from gate.vision import cascades
from gate.vision.picture import gray, inside, whole

if TYPE_CHECKING:
    from gate.domain import Image

WINDOW = 24
"""Side of the cascade's window, px."""
BASE = 28
"""What the smallest face asked for is scaled to, px: a little above the window."""
NEAR_BASE = 40
"""What a face that is followed is scaled to, px."""
NEAR_MARGIN = 0.35
"""How far around the last face it is looked for, in face widths."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face that the cascade found, with how many windows agreed on it."""

    box: Box
    votes: int


class FaceFinder:
    """Finds frontal faces in a part of a picture."""

    def __init__(self) -> None:
        self._cascade = cascades.load(cascades.FACE)

    def search(
        self,
        image: Image,
        part: Box | None = None,
        *,
        smallest: float,
        largest: float,
        step: float = 1.2,
        neighbours: int = 4,
        base: int = BASE,
    ) -> list[Sighting]:
        """Faces of ``smallest`` to ``largest`` px (width) in ``part`` of the picture, largest first.

        ``image`` is gray or colour; boxes are in its pixels. ``step`` is the ratio of one searched
        size to the next, ``neighbours`` the windows that must agree.
        """
        if image.ndim < 2 or image.size == 0:
            return []
        part = inside(part or whole(image), whole(image))
        patch = gray(image, part)
        shrink = base / max(smallest, 1.0)
        if shrink < 1:
            size = (round(patch.shape[1] * shrink), round(patch.shape[0] * shrink))
        else:
            shrink, size = 1.0, (patch.shape[1], patch.shape[0])
        if min(size) < WINDOW:
            return []
        if shrink < 1:
            patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        low = max(WINDOW, int(smallest * shrink))
        high = max(low, int(largest * shrink) + 1)
        boxes, votes = self._cascade.detectMultiScale2(
            patch,
            scaleFactor=step,
            minNeighbors=neighbours,
            minSize=(low, low),
            maxSize=(high, high),
        )
        across, down = part.width / size[0], part.height / size[1]
        found = [
            Sighting(
                Box(
                    part.x + round(x * across),
                    part.y + round(y * down),
                    round(width * across),
                    round(height * down),
                ),
                int(count),
            )
            for (x, y, width, height), count in zip(boxes, votes, strict=True)
        ]
        return sorted(found, key=lambda seen: seen.box.width, reverse=True)

    def near(self, image: Image, last: Box, *, growth: float = 1.3) -> Sighting | None:
        """The face that was in ``last`` a frame ago: same place, up to ``growth`` larger or smaller.

        The sighting with most votes wins: a weaker one in the same patch is a chance hit.
        """
        margin = round(NEAR_MARGIN * last.width)
        around = Box(
            last.x - margin, last.y - margin, last.width + 2 * margin, last.height + 2 * margin
        )
        found = self.search(
            image,
            around,
            smallest=last.width / growth,
            largest=last.width * growth,
            step=1.1,
            neighbours=2,
            base=round(NEAR_BASE / growth),
        )
        return max(found, key=lambda seen: seen.votes, default=None)


def overlap(first: Box, second: Box) -> float:
    """Shared area over joint area, 0–1 (intersection over union)."""
    shared = inside(first, second)
    common = shared.width * shared.height
    union = first.width * first.height + second.width * second.height - common
    return common / union if union else 0.0
