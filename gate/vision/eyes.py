"""Open eyes by the Haar cascade that also knows glasses.

The cascade was trained on open eyes, so a hit says "open"; a miss says little: a smile narrows the
eyes, and small faces blur them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from gate.vision import cascades
from gate.vision.picture import gray

if TYPE_CHECKING:
    from gate.domain import Box, Image

FACE_SIDE = 160
"""What the face is scaled to before its eyes are looked for, px."""
TOP, BOTTOM = 0.15, 0.60
"""The band of the face box that holds the eyes, as fractions of its height."""
SMALLEST, LARGEST = 20, 56
"""Sides of an eye's box in a face of `FACE_SIDE`, px."""


class EyeFinder:
    """Counts the open eyes of a face."""

    def __init__(self) -> None:
        self._cascade = cascades.load(cascades.EYES)

    def count(self, image: Image, face: Box, neighbours: int = 3) -> int:
        """How many open eyes (0–2) the face in ``face`` shows; at most one on each side."""
        patch = gray(image, face)
        if min(patch.shape) < 2:
            return 0
        patch = cv2.resize(patch, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
        band = patch[round(TOP * FACE_SIDE) : round(BOTTOM * FACE_SIDE)]
        boxes = self._cascade.detectMultiScale(
            cv2.equalizeHist(band),
            scaleFactor=1.1,
            minNeighbors=neighbours,
            minSize=(SMALLEST, SMALLEST),
            maxSize=(LARGEST, LARGEST),
        )
        centres = [x + width / 2 for x, _, width, _ in boxes]
        return int(any(x < FACE_SIDE / 2 for x in centres)) + int(
            any(x >= FACE_SIDE / 2 for x in centres)
        )
