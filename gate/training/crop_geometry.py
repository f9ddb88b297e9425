"""Place of the face in a training picture: found, or known from how the set was cut."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from gate.core.domain import Box
from gate.vision import cascades
from gate.vision.detector import FaceDetector
from gate.vision.framing import cut
from gate.vision.model_input import Framing
from gate.vision.photos import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.core.domain import Image

T = TypeVar("T")

CHECKED = 144
"""Pixels to which a Haar box is brought to be looked at again."""
HAAR = (0.5, 0.5, 1.0)
"""Centre (x, y) and side of the Haar box, in picture sides, of a picture that is a Haar box."""
TIGHT = (0.508, 0.3945, 1.2695)
"""The same for a tight crop.

Median of 485 of 500 SMILEs pictures in which the cascade found a face after padding; the places
of the eyes in 244 of them, compared with those in 341 GENKI faces, say the same within 1 %.
"""
WIDE = (0.5, 0.5, 1 / 1.4)
"""The same for a Haar box with a fifth of its side added on each side."""
SAMPLE = 120
"""Pictures looked at to measure how a set was cut."""
SIDE = 256
"""Pixels to which a cut face is brought before the cascade looks at it."""
PADDING = 96
"""Pixels added around it, so that a box larger than the picture can be found."""


@cache
def _finder() -> FaceDetector:
    return FaceDetector()


def as_gray(image: Image) -> Image:
    """Return the picture in gray."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]  # uint8 in and out


def largest(image: Image) -> Box | None:
    """Return the Haar box of the largest face in a photo as `classify` finds it, or None."""
    found = find(_finder(), image)
    return found[0] if found else None


def placed(image: Image, geometry: tuple[float, float, float]) -> Box:
    """Return the Haar box of a cut face from the (centre x, centre y, side) of its set."""
    x, y, side = geometry
    height, width = image.shape[:2]
    return Box(
        round((x - side / 2) * width),
        round((y - side / 2) * height),
        round(side * width),
        round(side * height),
    )


def sample(items: Sequence[T]) -> Sequence[T]:
    """Return up to `SAMPLE` items, spread evenly."""
    return items[:: max(1, len(items) // SAMPLE)][:SAMPLE]


def measured(images: Sequence[Image | None]) -> tuple[float, float, float] | None:
    """Return the place of the Haar box in a sample of cut faces, or None for whole photos.

    (centre x, centre y, side) of the box in picture sides: the median of what the cascade finds
    after padding. None where it finds a face in less than half of the sample, or the sizes
    scatter by more than a fifth, or the pictures aren't about square.
    """
    found = []
    cascade = cascades.load(cascades.FACE)
    for image in images:
        if image is None or not 0.75 < image.shape[1] / image.shape[0] < 1.34:
            continue
        gray = cv2.resize(as_gray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        pad = PADDING
        wide = cv2.copyMakeBorder(gray, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        boxes = cascade.detectMultiScale(wide, 1.04, 3, minSize=(SIDE // 2, SIDE // 2))
        if len(boxes) == 1:
            left, top, width, _ = (int(n) for n in boxes[0])
            found.append((left + width / 2 - pad, top + width / 2 - pad, width))
    if len(found) < max(3, len(images) // 2):
        return None
    values = np.array(found) / SIDE
    if values[:, 2].std() > 0.2:
        return None
    x, y, side = (float(n) for n in np.median(values, axis=0))
    return x, y, side


def seen_again(image: Image, box: Box) -> bool:
    """Say whether one of OpenCV's two other frontal cascades sees the face in ``box`` too.

    A set cut by the default cascade holds its false finds (necks, ears, folds of cloth) under the
    label of their photo. Of 2,020 GENKI boxes looked at, 68 were seen by neither of the other
    two; 57 of those show no whole face.
    """
    around = max(1, round(CHECKED / 5))
    frame = Framing(1.0 + 2 * around / CHECKED, 0.0, 0.0)
    side = CHECKED + 2 * around
    view = cut(as_gray(image), box, frame, (side, side))
    return any(
        len(cascade.detectMultiScale(view, 1.08, 1, minSize=(CHECKED // 2, CHECKED // 2)))
        for cascade in _others()
    )


@cache
def _others() -> tuple[cv2.CascadeClassifier, ...]:
    names = ("haarcascade_frontalface_alt.xml", "haarcascade_frontalface_alt2.xml")
    return tuple(cascades.load(name) for name in names)
