"""Proposal of the settings that depend on where guests stand, from one who stood there."""

from __future__ import annotations

import math

from gate.config import Config
from gate.doctor.face import Met

FARTHER = 1.5
"""Distance from the camera, in that of the one who stood there, up to which a guest counts.

A face's size in the picture goes with one over its distance. The margin is for children, whose
faces are smaller, and for who stands a step back; somebody behind the guest is farther away.
"""
ASIDE = 2.0
"""Widths of a face by which a guest may stand farther left or right than the one who stood there.

Both shoulders of a guest are within it.
"""
STEP = 0.05
"""Steps of the region's edges, outwards."""
WIDEST = 0.85
"""Width of a region beyond which it is not worth its limits."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
"""Region of the whole picture."""
SMALLEST = 0.05
"""Smallest face that is looked for: 24 px of 480, below which no model can tell a smile."""


def for_looking(config: Config) -> Config:
    """The settings with which somebody is looked for before it is known where guests stand."""
    face = config.face.model_copy(update={"min_height": SMALLEST, "region": WHOLE})
    return config.model_copy(update={"face": face})


def min_height(met: Met) -> float:
    """The smallest face that should count, as a fraction of the picture's height."""
    return max(SMALLEST, math.floor(met.share / FARTHER * 100) / 100)


def region(met: Met) -> tuple[float, float, float, float]:
    """The part of the picture that should count: left, top, width, height, as fractions.

    It has the picture's whole height, as a wheelchair user's face is far below a tall guest's.
    """
    width = met.size[0]
    aside = ASIDE * sorted(box.width for box in met.boxes)[len(met.boxes) // 2]
    left = (min(box.x for box in met.boxes) - aside) / width
    right = (max(box.x + box.width for box in met.boxes) + aside) / width
    steps = round(1 / STEP)
    first, last = max(0, math.floor(left * steps)), min(steps, math.ceil(right * steps))
    if (last - first) / steps > WIDEST:
        return WHOLE
    return (round(first * STEP, 2), 0.0, round((last - first) * STEP, 2), 1.0)
