"""Where the face is in a training picture: found, or known from how the set was cut."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.domain import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.domain import Image

SAMPLE = 120
"""Pictures looked at to measure how a set was cut."""
SIDE = 256
"""Pixels to which a cut face is brought before the cascade looks at it."""
PADDING = 96
"""Pixels added around it, so that a box larger than the picture can be found."""


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


def as_gray(image: Image) -> Image:
    """Return the picture in gray."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]  # uint8 in and out


def largest(image: Image) -> Box | None:
    """Return the Haar box of the largest face in a photo, or None."""
    gray = as_gray(image)
    factor = 640 / max(gray.shape)
    if factor < 1.0:
        gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # uint8 in and out
    found = _cascade().detectMultiScale(gray, 1.1, 4, minSize=(24, 24))
    if len(found) == 0:
        return None
    best = max(found, key=lambda box: int(box[2]))
    return Box(*(round(int(n) / min(factor, 1.0)) for n in best))


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


def measured(images: Sequence[Image]) -> tuple[float, float, float] | None:
    """Return how a set of cut faces lies to its Haar boxes, or None if they are whole photos.

    (centre x, centre y, side) of the box in picture sides: the median over a sample of what the
    cascade finds after padding. None where it finds a face in less than half of the sample, the
    sizes scatter by more than a fifth, or the pictures aren't about square.
    """
    step = max(1, len(images) // SAMPLE)
    sample = images[::step][:SAMPLE]
    found = []
    for image in sample:
        gray = as_gray(image)
        if not 0.75 < gray.shape[1] / gray.shape[0] < 1.34:
            continue
        gray = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # uint8 in and out
        wide = cv2.copyMakeBorder(gray, *([PADDING] * 4), cv2.BORDER_REPLICATE)
        boxes = _cascade().detectMultiScale(wide, 1.04, 3, minSize=(SIDE // 2, SIDE // 2))
        if len(boxes) == 1:
            x, y, side, _ = (int(n) for n in boxes[0])
            found.append(((x + side / 2 - PADDING), (y + side / 2 - PADDING), side))
    if len(found) < max(5, len(sample) // 2):
        return None
    values = np.array(found) / SIDE
    if values[:, 2].std() > 0.2:
        return None
    x, y, side = (float(n) for n in np.median(values, axis=0))
    return x, y, side
