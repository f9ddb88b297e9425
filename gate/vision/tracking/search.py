"""The search of the whole region for faces, cut into small steps and spread over frames.

A search looks for every size in every place once. Its steps are tiles of one size range; each
frame pays for a few of them, the largest (cheapest, nearest) faces first, so that no frame waits
for a whole search and a guest is found within the time set.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import Box
from gate.vision.detector import BASE, Detection, FaceDetector
from gate.vision.motion import fits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gate.vision.view import View

RANGE = 1.35
"""Largest over smallest face of one step: two or three sizes of the cascade."""
TILE = 200
"""Side of a tile after scaling, px: about 2 ms of one core of a small board."""
STEP = 1.12
NEIGHBOURS = 3


@dataclass(frozen=True, slots=True)
class SearchTile:
    """One place and one range of face sizes, with what it costs in scaled pixels."""

    part: Box
    smallest: float
    cost: float


def plan_tiles(region: Box, smallest: float, largest: float) -> list[SearchTile]:
    """Steps that cover ``region`` for faces of ``smallest`` to ``largest`` px, largest first."""
    steps: list[SearchTile] = []
    size = min(smallest, min(region.width, region.height) / RANGE)
    while size < largest:
        shrink = min(1.0, BASE / size)
        reach = size * RANGE
        side = max(TILE / shrink, 2.5 * reach)
        across = _cuts(region.x, region.width, side, reach)
        down = _cuts(region.y, region.height, side, reach)
        steps += [
            SearchTile(Box(x, y, width, height), size, width * height * shrink * shrink)
            for y, height in down
            for x, width in across
        ]
        size *= RANGE
    return steps[::-1]


def _cuts(start: int, length: int, side: float, reach: float) -> list[tuple[int, int]]:
    """Even pieces of about ``side`` that overlap by ``reach``: no face falls between two."""
    count = max(1, round((length - reach) / max(1.0, side - reach)))
    stride = (length - reach) / count
    return [(start + round(k * stride), round(min(stride + reach, length))) for k in range(count)]


class TiledSearch:
    """Walks through a plan, a few steps a frame."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._steps: deque[SearchTile] = deque()
        self._left = 0.0
        self._total = 0.0
        self.pixels = 0
        """Scaled pixels searched since the start: work that can be counted, not only timed."""

    @property
    def running(self) -> bool:
        """Whether steps are left."""
        return bool(self._steps)

    def start(
        self,
        steps: list[SearchTile],
        frame: tuple[int, int] = (1, 1),
        changed: NDArray[np.bool_] | None = None,
    ) -> bool:
        """Begin with ``steps``, only those that touch ``changed`` blocks of the (h, w) frame."""
        height, width = frame
        self._steps = deque(
            step
            for step in steps
            if changed is None
            or fits(
                changed,
                step.part.x / width,
                step.part.y / height,
                (step.part.x + step.part.width) / width,
                (step.part.y + step.part.height) / height,
            )
        )
        self._total = self._left = sum(step.cost for step in self._steps)
        return self.running

    def stop(self) -> None:
        """Leave the rest of the steps."""
        self._steps.clear()

    def advance(self, view: View, share: float) -> list[Detection]:
        """Do ``share`` (0–1) of the whole search, at least one step; return what was seen."""
        found: list[Detection] = []
        budget = share * self._total
        while self._steps:
            step = self._steps.popleft()
            found += self._detector.detect(
                view,
                step.part,
                smallest=step.smallest,
                largest=step.smallest * RANGE,
                step=STEP,
                neighbours=NEIGHBOURS,
            )
            self.pixels += int(step.cost)
            budget -= step.cost
            if budget <= 0:
                break
        return found
