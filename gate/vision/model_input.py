"""Values that say what a model is shown of a face: which square of it, its light evened out how.

Standard library only, so that a command's help can name them without loading OpenCV;
`gate.vision.framing` does what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
