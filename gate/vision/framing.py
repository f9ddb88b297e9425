"""The one place that cuts a face out of a gray picture and evens out its light.

The gate and the training both call it, so a model sees at the turnstile what it saw in training.
All framings are in terms of the box of OpenCV's `haarcascade_frontalface_default`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.vision.model_input import Normalisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gate.core.domain import Box, Image
    from gate.vision.model_input import Framing

SPREAD_FLOOR = 4.0
"""Gray levels: below this standard deviation a crop is noise and isn't amplified further."""
CLIP = 3.0
"""Standard deviations at which a normalised pixel is cut off: a glint must not set the scale."""
STILL_SCALES = (0.92, 1.0, 1.08)
"""Scales of the crops of a still, as factors on the card's own; each also mirrored. Live frames
differ by themselves and are averaged over time instead."""


def cuts(gray: Image, box: Box, framing: Framing, size: tuple[int, int]) -> list[Image]:
    """Return several crops of one face, for a picture that is judged once: see `still_score`.

    Averaging over framings and mirror images is test-time augmentation (Krizhevsky et al., 2012).
    """
    views = [replace(framing, scale=framing.scale * scale) for scale in STILL_SCALES]
    crops = [cut(gray, box, view, size) for view in views]
    return crops + [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]


def still_score(scores: NDArray[np.float32]) -> float:
    """One probability from those of a face's `cuts`: the mean in log-odds."""
    sure = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    return float(1 / (1 + np.exp(-np.mean(np.log(sure / (1 - sure))))))


def cut(gray: Image, box: Box, framing: Framing, size: tuple[int, int]) -> Image:
    """Return the face in ``box`` of the (height, width) picture as a crop of ``size`` (h, w).

    The border is replicated where the square leaves the frame. Shrinking averages areas, so that
    a near face doesn't alias; a far one is enlarged from where it lies to a fraction of a pixel.
    """
    side = max(2.0, framing.scale * max(box.width, box.height))
    left = box.x + box.width * (0.5 + framing.shift_x) - side / 2
    top = box.y + box.height * (0.5 + framing.shift_y) - side / 2
    if side < max(size):
        down, across = side / size[0], side / size[1]
        back = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
        return cv2.warpAffine(  # type: ignore[return-value]  # uint8 in and out
            gray,
            back,
            (size[1], size[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return _shrunk(gray, round(left), round(top), round(side), size)


def _shrunk(gray: Image, left: int, top: int, side: int, size: tuple[int, int]) -> Image:
    """Return a square of the picture, averaged down to ``size``."""
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
        square = cv2.copyMakeBorder(square, *missing, cv2.BORDER_REPLICATE)  # type: ignore[assignment]  # uint8 in and out
    return cv2.resize(square, (size[1], size[0]), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]  # uint8 in and out


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
