"""Light and sharpness of a face, and whether they are enough to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from gate.core.domain import Box, Reason
from gate.vision.view import shrunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gate.core.domain import Image
    from gate.vision.view import View

DARK_SHARE, BRIGHT_SHARE = 0.9, 0.6
"""Shares of a scene without a face that are black, or white, when the light is to blame."""
BURNT = 250
"""Gray level from which a pixel holds no information any more."""
SIDE = 32
"""Side of the small picture of the face that is measured, px."""
INNER = (0.18, 0.15, 0.64, 0.75)
"""Left, top, width, height of the skin, in the face's box: no hair, no wall beside the cheeks."""

HALVED = 2.5
"""Factor between the halves of a face from which on its darker half is taken for a shadow's."""


@dataclass(frozen=True, slots=True)
class LightLimits:
    """Beyond these a face can't be judged; gray levels of 255, fractions of 1."""

    darkest: float = 14.0
    """Mean of the face below which it is too dark: what is left is mostly the sensor's noise."""
    faintest: float = 4.0
    """Standard deviation of the face below which it has no features."""
    brightest: float = 248.0
    """Mean of the face above which it is washed out."""
    glare: float = 0.5
    """Share of the face's pixels at the sensor's end that is too much."""


@dataclass(frozen=True, slots=True)
class FaceLight:
    """Measures of a face or of a scene."""

    mean: float
    spread: float
    burnt: float
    """Share of pixels at 250 and above, 0–1."""
    sharpness: float
    """Mean gradient over spread: falls when the face blurs, whatever the light."""
    halved: bool = False
    """Whether one half of it, left or right, upper or lower, is much darker than the other."""

    def obstacle(self, limits: LightLimits) -> Reason | None:
        """The reason why the light is not enough; None if it is."""
        if self.mean < limits.darkest:
            return Reason.TOO_DARK
        if self.mean > limits.brightest or self.burnt > limits.glare:
            return Reason.TOO_BRIGHT
        if self.spread < limits.faintest:
            return Reason.TOO_DARK if self.mean < 128 else Reason.TOO_BRIGHT
        return None


def measure(view: View, face: Box) -> FaceLight:
    """Measure the skin of the face in ``face``."""
    left, top, width, height = INNER
    patch = view.gray(
        Box(
            round(face.x + left * face.width),
            round(face.y + top * face.height),
            round(width * face.width),
            round(height * face.height),
        )
    )
    if min(patch.shape, default=0) < 4:
        return FaceLight(0.0, 0.0, 0.0, 0.0)
    small = shrunk(patch, (SIDE, SIDE))
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(small))
    across = cv2.norm(small[:, 1:], small[:, :-1], cv2.NORM_L1) / (SIDE * (SIDE - 1))
    down = cv2.norm(small[1:], small[:-1], cv2.NORM_L1) / (SIDE * (SIDE - 1))
    burnt = cv2.countNonZero(cv2.inRange(small, BURNT, 255)) / SIDE**2  # type: ignore[call-overload]  # numbers are fine
    sharpness = (across + down) / max(spread, 1.0)
    return FaceLight(mean, spread, burnt, sharpness, _halved(small))


def _halved(small: Image) -> bool:
    """Whether the halves of the face's picture differ more than features and beards do."""
    (upper_left, upper_right), (lower_left, lower_right) = shrunk(small, (2, 2)).tolist()
    pairs = (
        (upper_left + lower_left, upper_right + lower_right),
        (upper_left + upper_right, lower_left + lower_right),
    )
    return any(max(pair) > HALVED * (min(pair) + 1) for pair in pairs)


def scene(thumb: NDArray[np.float32], limits: LightLimits) -> Reason | None:
    """Whether a scene without a face is too dark or too bright to find one in."""
    mean = cv2.mean(thumb)[0]
    if mean < 2 * limits.darkest and float((thumb < limits.darkest).mean()) > DARK_SHARE:
        return Reason.TOO_DARK
    if mean > 128 and float((thumb > limits.brightest).mean()) > BRIGHT_SHARE:
        return Reason.TOO_BRIGHT
    return None
