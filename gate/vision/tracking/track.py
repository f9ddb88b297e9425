"""The guest's face from frame to frame: a steady box, and what it is known again by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import Box
from gate.vision.tracking import template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gate.vision.tracking.template import FaceTemplate
    from gate.vision.view import View

STILL = 0.04
"""Moves below this fraction of the face's width are the detector's jitter, not the guest's."""
MOVING = 0.20
"""At moves of this fraction the box follows at once."""
SLOWEST = 0.25
"""How much of a small move the box follows in one frame."""


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame as those see it who follow faces."""

    view: View
    thumb: NDArray[np.float32]
    """Its `motion.thumbnail`."""
    now: float
    """When it was taken, s."""
    elapsed: float
    """Time since the frame before, s: how much work is due."""


@dataclass(slots=True)
class Track:
    """One followed face; changes with every frame, owned by the tracker alone."""

    number: int
    x: float
    y: float
    width: float
    """Centre and width of the smoothed box, px; the cascade's boxes are square."""
    seen: float
    """Time of the last frame that showed it, s."""
    since: float
    """Time of the first frame that showed it, s."""
    raw: Box
    """The box as found last: where the next search starts."""
    template: FaceTemplate
    """The face as the cascade saw it last, to know it again by."""
    verified: float
    """When that was, s; in between it is followed by its template alone."""
    roll: float = 0.0
    """How far the head leaned when last found, degrees clockwise."""
    misses: int = 0
    """Frames since it was last found."""

    @property
    def box(self) -> Box:
        """The steady box, px."""
        return Box(
            round(self.x - self.width / 2),
            round(self.y - self.width / 2),
            round(self.width),
            round(self.width),
        )

    def follow(self, box: Box, now: float, roll: float = 0.0) -> None:
        """Move to where the face was found: at once if it moved, slowly if it only jitters."""
        x, y = box.x + box.width / 2, box.y + box.height / 2
        move = max(abs(x - self.x), abs(y - self.y)) / max(self.width, 1.0)
        growth = abs(box.width - self.width) / max(self.width, 1.0)
        follow = _gain(move)
        self.x += follow * (x - self.x)
        self.y += follow * (y - self.y)
        self.width += _gain(growth) * (box.width - self.width)
        self.raw, self.seen, self.roll, self.misses = box, now, roll, 0

    def verify(self, view: View, box: Box, now: float, roll: float = 0.0) -> None:
        """Move to where the cascade found the face, and remember how it looks now."""
        self.follow(box, now, roll)
        self.template, self.verified = template.capture(view, box), now


def begin(number: int, view: View, box: Box, now: float) -> Track:
    """A track that starts with a face that the cascade found at ``box``."""
    return Track(
        number=number,
        x=box.x + box.width / 2,
        y=box.y + box.height / 2,
        width=float(box.width),
        seen=now,
        since=now,
        raw=box,
        template=template.capture(view, box),
        verified=now,
    )


def _gain(move: float) -> float:
    """Share of a move that the box follows: small moves are smoothed, large ones are not."""
    share = (move - STILL) / (MOVING - STILL)
    return SLOWEST + (1.0 - SLOWEST) * min(1.0, max(0.0, share))
