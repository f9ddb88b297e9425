"""The one place that cuts a face out of a gray picture and evens out its light.

The gate and the training both call it, so a model sees at the turnstile what it saw in training.
All framings are told in terms of the box of OpenCV's `haarcascade_frontalface_default`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gate.domain import Box, Image

SPREAD_FLOOR = 4.0
"""Gray levels: below this standard deviation a crop is noise and isn't amplified further."""
CLIP = 3.0
"""Standard deviations at which a normalised pixel is cut off: a glint must not set the scale."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Which square of a face is looked at, in units of the side of its Haar box."""

    scale: float
    """Side of the square; 1 is the whole box."""
    shift_x: float
    """How far the square's centre lies right of the box's centre."""
    shift_y: float
    """How far the square's centre lies below the box's centre."""


class Normalisation(StrEnum):
    """How a crop's light is evened out before the model sees it."""

    STANDARD = "standard"
    """Zero mean, unit standard deviation, cut off at ±3: blind to brightness and contrast."""
    EQUALISED = "equalised"
    """Histogram equalisation, then 0–255 to ±1: blind to every tone curve."""


def cut(gray: Image, box: Box, framing: Framing, size: tuple[int, int]) -> Image:
    """Return the face in ``box`` of the (height, width) picture as a crop of ``size`` (h, w).

    The border is replicated where the square leaves the frame; shrinking averages areas, so that
    a near face doesn't alias.
    """
    side = max(2, round(framing.scale * max(box.width, box.height)))
    left = round(box.x + box.width * (0.5 + framing.shift_x) - side / 2)
    top = round(box.y + box.height * (0.5 + framing.shift_y) - side / 2)
    height, width = gray.shape
    square = gray[
        min(max(top, 0), height - 1) : min(max(top + side, 1), height),
        min(max(left, 0), width - 1) : min(max(left + side, 1), width),
    ]
    missing = (
        min(max(-top, 0), side - 1),
        min(max(top + side - height, 0), side - 1),
        min(max(-left, 0), side - 1),
        min(max(left + side - width, 0), side - 1),
    )
    if any(missing):
        square = cv2.copyMakeBorder(square, *missing, cv2.BORDER_REPLICATE)
    shrinks = side > size[1] or side > size[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(square, (size[1], size[0]), interpolation=how)  # type: ignore[return-value]  # cv2 says ndarray of any integer


def normalise(crops: Sequence[Image] | Image, how: Normalisation) -> NDArray[np.float32]:
    """Return uint8 crops (n, h, w) as float32 (n, h, w, 1), evened out in ``how``'s way."""
    if how is Normalisation.EQUALISED:
        stack = np.stack([cv2.equalizeHist(crop) for crop in crops])
        return (stack.astype(np.float32) / 127.5 - 1.0)[..., None]
    stack = np.asarray(crops, dtype=np.float32)
    stack = stack - stack.mean(axis=(1, 2), keepdims=True)
    spread = np.maximum(stack.std(axis=(1, 2), keepdims=True), SPREAD_FLOOR)
    result: NDArray[np.float32] = np.clip(stack / spread, -CLIP, CLIP)[..., None]
    return result
