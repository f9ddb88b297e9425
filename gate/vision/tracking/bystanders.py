"""Other faces beside the guest's: found now and then, kept an eye on, forgotten when gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import Box
from gate.vision import motion
from gate.vision.detector import iou
from gate.vision.tracking import search
from gate.vision.view import around

if TYPE_CHECKING:
    from gate.vision.detector import FaceDetector
    from gate.vision.tracking.track import TrackedFrame
    from gate.vision.view import View

EVERY_S = 0.8
"""How often the surroundings of a guest are searched where something moved, s."""
IDLE_S = 8.0
"""How often they are searched although nothing moved, s."""
OWN, BODY = 0.8, 5.0
"""How far the guest's own movements reach around the face and below it, in face widths."""
MISSES = 4
"""Looks in a row that must miss a face before it is gone."""
LOOK_S = 0.18
"""How often another face is looked for where it was, s."""


@dataclass(slots=True)
class _Other:
    """Another face beside the guest's."""

    box: Box
    seen: float
    misses: int = 0


class Bystanders:
    """The faces that count beside the guest's."""

    def __init__(self, detector: FaceDetector, similar: float) -> None:
        """A face counts from ``similar`` times the guest's width."""
        self._detector = detector
        self._similar = similar
        self._search = search.TiledSearch(detector)
        self._changes = motion.ChangeMap()
        self._others: list[_Other] = []
        self._searched_at = self._looked_at = float("-inf")

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Where the others are, px."""
        return tuple(other.box for other in self._others)

    def reset(self, other: Box | None = None, now: float = 0.0) -> None:
        """Start with a new guest, and with ``other`` beside it if that is known already."""
        self._others = [_Other(other, now)] if other else []
        self._search.stop()
        self._changes.forget()
        self._searched_at = self._looked_at = float("-inf")

    def update(self, frame: TrackedFrame, guest: Box, region: Box, smallest: float) -> Box | None:
        """Look after the known faces and for new ones; return one that was not known yet.

        Faces outside ``region`` or below ``smallest`` px don't count for anything.
        """
        view = frame.view
        self._keep_eye_on(view, guest, frame.now)
        if not self._search.running and not self._start(frame, guest, region, smallest):
            return None
        for found in self._search.advance(view, frame.elapsed / EVERY_S):
            if any(iou(found.box, box) > 0.15 for box in (guest, *self.boxes)):
                continue
            again = self._detector.detect_near(view, found.box, wide=True)
            if again is None or not self._detector.confirm(view, again.box):
                continue
            if again.box.width >= self._similar * guest.width:
                self._others.append(_Other(again.box, frame.now))
                return again.box
        return None

    def _keep_eye_on(self, view: View, guest: Box, now: float) -> None:
        """Follow each known face, and drop it when it is gone, far behind, or the guest itself."""
        for other in list(self._others):
            if now - other.seen < LOOK_S:
                continue
            seen = self._detector.detect_near(view, other.box, wide=True)
            other.seen = now
            other.misses += 1
            if seen is not None:
                other.box, other.misses = seen.box, 0
            if (
                other.misses > MISSES
                or iou(other.box, guest) > 0.2
                or other.box.width < self._similar * guest.width
            ):
                self._others.remove(other)

    def _start(self, frame: TrackedFrame, guest: Box, region: Box, smallest: float) -> bool:
        """Begin to search the surroundings if it is time and there is a reason."""
        if frame.now - max(self._searched_at, self._looked_at) < EVERY_S:
            return False
        self._looked_at = frame.now
        shape = (frame.view.bounds.height, frame.view.bounds.width)
        changed = self._changes.compare(frame.thumb)
        own = around(guest, OWN)
        body = Box(own.x, own.y, own.width, own.height + round(BODY * guest.width))
        motion.clear(changed, body, shape)
        idle_over = frame.now - self._searched_at >= IDLE_S
        if not idle_over and not changed.any():
            return False
        smallest = max(smallest, self._similar * guest.width)
        largest = min(guest.width / self._similar, *shape)
        tiles = search.plan_tiles(region, smallest, largest)
        self._search.start(tiles, shape, None if idle_over else changed)
        self._changes.mark_searched(frame.thumb)
        self._searched_at = frame.now
        return self._search.running
