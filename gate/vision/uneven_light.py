"""Light that spoils the pictures though there is enough of it: bands, flicker, a hard shadow.

A rolling shutter under lamps on 50 or 60 Hz mains gives dark bands that wander, a global one gives
pictures of changing brightness, and a shadow's edge across the scene hides half of each face. Such
light is no obstacle of its own: it is told where a face is not found, or does not qualify.

Light is a factor: in the logarithm of the picture it adds the same to a whole row, or to the whole
picture, where people and things that move change only some of its columns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DARK = 2.0
"""Added to gray levels before the logarithm: below this the sensor's noise would count."""
BLACK, WHITE = 25.0, 235.0
"""Rows beyond these gray levels are not compared: their pixels do not follow the light."""
SMOOTHED_S, SCENE_S = 0.4, 1.0
"""Time constants of the measures, and of the scene that bands are compared with, s."""
MOVING, DEEP = 0.008, 0.03
"""Bands count from this change a frame, and this depth: usual differences of rows' logarithms.

Demo clip, 15 frames a second: bands of 20 % that hide the face have 0.077 and 0.041; 50 % deep ones
that creep by 3 px a frame 0.009 and 0.089; exposure that rises to 2.6 times within 8 s 0.005, 0.03.
"""
SWINGING = 0.03
"""Flicker counts from this mean change a frame that goes back and forth, as a logarithm.

Pictures that swing by 30 % twice a second have 0.056, an exposure that pumps by 30 % in 4 s 0.010.
"""
LOOK_CLOSER = 0.6
"""Share of a limit from which on the scene is compared too; below it the work is saved."""
SHADOW = math.log(1.6)
"""A step this high across the middle of the picture is a shadow's edge, if most of it has it."""
MIDDLE = 0.2
"""Share of the picture at each side where a step is the floor's or a wall's."""
CHANGED, STIRRING = 5.0, 0.005
"""Gray levels, and the share of the blocks that change so much a frame, from which on somebody is
there: an empty scene may have any shadow."""
GAP_S = 1.0
"""Pictures further apart are not compared."""


class UnevenLight:
    """Watches the light of a scene, picture by picture."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the scene."""
        self._thumb: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._before: NDArray[np.float32] | None = None
        self._scene: NDArray[np.float32] | None = None
        self._at = 0.0
        self._bands = self._depth = self._swing = self._drift = self._stir = 0.0

    def look(self, thumb: NDArray[np.float32], now: float) -> bool:
        """Whether the light is uneven; ``thumb`` has mean gray levels, `motion.thumbnail`."""
        logs = np.log(thumb[:, ::2] + DARK)  # half of the columns tell as much, and cost half
        before, scene, elapsed = self._before, self._scene, now - self._at
        if before is None or scene is None or not 0 < elapsed < GAP_S:
            self.reset()
            self._thumb, self._before, self._scene, self._at = thumb, logs, logs.copy(), now
            return False
        change = logs - before
        level = thumb.mean(axis=1)
        told = (level > BLACK) & (level < WHITE)
        new, bands, whole = 1 - math.exp(-elapsed / SMOOTHED_S), *_common(change, told)
        self._bands += new * (bands - self._bands)
        self._swing += new * (abs(whole) - self._swing)
        self._drift += new * (whole - self._drift)
        changed = np.count_nonzero(np.abs(thumb - self._thumb) > CHANGED) / thumb.size
        slow = 1 - math.exp(-elapsed / SCENE_S)
        self._stir += slow * (changed - self._stir)
        if self._bands > LOOK_CLOSER * MOVING:
            self._depth += new * (_common(logs - scene, told)[0] - self._depth)
        scene += slow * (logs - scene)
        self._thumb, self._before, self._at = thumb, logs, now
        return (
            (self._bands > MOVING and self._depth > DEEP)
            or self._swing - abs(self._drift) > SWINGING
            or (self._stir > STIRRING and _step(thumb) > SHADOW)
        )


def _common(change: NDArray[np.float32], told: NDArray[np.bool_]) -> tuple[float, float]:
    """What all columns share: the rows' usual deviation from their median, and that median.

    A row has a change only where three quarters of its columns have it, the least of theirs. A few
    rows may deviate: the edge of a floor does, when the camera shakes.
    """
    sides = np.sort(change, axis=1)
    quarter = change.shape[1] // 4
    rows = np.maximum(sides[:, quarter], 0) + np.minimum(sides[:, -quarter - 1], 0)
    ordered = np.sort(rows)
    middle = float(ordered[len(ordered) // 2])
    deviations = np.sort(np.where(told, np.abs(rows - middle), 0))
    return float(deviations[len(rows) // 2]), middle


def _step(thumb: NDArray[np.float32]) -> float:
    """Height of the highest edge across the middle, down or along, as a logarithm.

    Blocks two apart are compared, as an edge may fall within a block; three quarters of the edge
    must have the step.
    """
    logs = np.log(thumb + DARK)
    highest = 0.0
    for field in (logs, logs.T):
        edge, quarter = round(MIDDLE * field.shape[1]), field.shape[0] // 4
        inner = field[:, edge:-edge]
        steps = np.sort(inner[:, 2:] - inner[:, :-2], axis=0)
        highest = max(highest, float(steps[quarter].max()), -float(steps[-quarter - 1].min()))
    return highest
