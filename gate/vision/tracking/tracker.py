"""Who stands at the gate: search, follow, lose and find again, frame after frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import Box, Reason
from gate.vision import motion
from gate.vision.detector import FaceDetector, iou
from gate.vision.tracking import search, template
from gate.vision.tracking.bystanders import Bystanders
from gate.vision.tracking.track import Track, begin
from gate.vision.view import around, inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gate.vision.view import View

KEPT = 0.5
"""What is made gray around the last face, in face widths: all that is looked at in a frame."""
FINE = 100
"""Resolution at which a face is worked on, px of its width: what the models need, and no more."""
IDLE_S = 8.0
"""How often a scene in which nothing changes is searched all the same, s."""
KEEP_S = 1.0
"""How long the place of a lost face is remembered, s: found again there, it is the same guest."""
VERIFY_S = 0.18
"""How long a face may be followed by its gist alone, s: every third of 15 frames a second is the
cascade's."""
HELD = 0.9
"""Correlation with its gist under which the cascade is asked at once."""
ALIKE = 0.55
"""Correlation with the last picture of the face under which it is another face."""
LOST_FRAMES = 4
"""Frames in a row without the face after which the whole region is searched again."""
TILTS = (-22.0, 22.0)
"""Degrees by which the picture is turned to find a face that was lost when the head leaned."""
LARGER = 1.25
"""A face this much wider than the guest's stands in front of the guest and becomes the guest."""
EDGE = 0.15
"""In face widths: a face that was lost so near to the frame's edge has left the frame."""
CLOSE_UP = 0.8
"""Of the frame's shorter side: a face that was this wide when it was lost came too close."""


@dataclass(frozen=True, slots=True)
class TrackingLimits:
    """Where and how large a face has to be."""

    min_height: float = 0.1
    """Smallest face that counts, as a fraction of the upright frame's height."""
    similar: float = 0.6
    """A second face counts when it is at least this fraction of the guest's width."""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, width, height of the part that counts, as fractions of the upright frame."""
    acquire_s: float = 0.5
    """Longest time for a search of the whole region once something changed, s."""


@dataclass(frozen=True, slots=True)
class TrackingResult:
    """What one frame shows: the guest's track, if the face was found in it, and who else counts."""

    guest: Track | None = None
    others: tuple[Box, ...] = ()
    number: int | None = None
    """The guest's number, also while the face is lost for a moment."""
    obstacle: Reason | None = None


@dataclass(slots=True)
class SearchWork:
    """Countable work since the start."""

    frames: int = 0
    idle: int = 0
    """Frames in which nothing was searched."""
    pixels: int = 0
    """Pixels that the cascade was run on, after scaling."""


class GuestTracker:
    """Follows the guest through the frames of one camera; owns all that is remembered of it."""

    def __init__(self, limits: TrackingLimits, finder: FaceDetector | None = None) -> None:
        self._limits = limits
        self._finder = finder or FaceDetector()
        self._sweep = search.TiledSearch(self._finder)
        self._changes = motion.ChangeMap()
        self._guest: Track | None = None
        self._gist: template.FaceTemplate | None = None
        self._crowd = Bystanders(self._finder, limits.similar)
        self._numbers = 0
        self._shape: tuple[int, int] = (0, 0)
        self._plan: list[search.SearchTile] = []
        self._swept = float("-inf")
        self._last = float("-inf")
        self._lost: Track | None = None
        self.work = SearchWork()

    def reset(self) -> None:
        """Forget the guest, the others and the scene."""
        self._guest = self._lost = self._gist = None
        self._crowd.reset()
        self._sweep.stop()
        self._changes.forget()
        self._swept = self._last = float("-inf")

    def track(self, view: View, thumb: NDArray[np.float32], now: float) -> TrackingResult:
        """What the upright picture taken at ``now`` shows; ``thumb`` is its `motion.thumbnail`."""
        if view.image.shape[:2] != self._shape:
            self._resize(view)
        elapsed = min(max(now - self._last, 0.0), self._limits.acquire_s)
        self._last = now
        self.work.frames += 1
        before = self._finder.pixels
        sight = self._follow(view, thumb, now, elapsed) if self._guest else None
        if sight is None:
            sight = self._wait(view, thumb, now, elapsed)
        spent = self._finder.pixels - before
        self.work.pixels += spent
        self.work.idle += spent == 0
        return sight

    def _resize(self, view: View) -> None:
        """Plan the search for frames of a new size."""
        self.reset()
        height, width = view.image.shape[:2]
        self._shape = (height, width)
        left, top, across, down = self._limits.region
        region = Box(
            round(left * width), round(top * height), round(across * width), round(down * height)
        )
        self._region = inside(region, view.bounds)
        # A little below the limit as well, so that a guest who is too far away is told so.
        smallest = max(24.0, 0.7 * self._limits.min_height * height)
        largest = min(self._region.width, self._region.height)
        self._plan = search.plan_tiles(self._region, smallest, largest)

    def _wait(
        self, view: View, thumb: NDArray[np.float32], now: float, elapsed: float
    ) -> TrackingResult:
        """Nobody is followed: search where something changed."""
        changed = self._changes.compare(thumb)
        if not self._sweep.running:
            idle_over = now - self._swept >= IDLE_S
            if not idle_over and not changed.any():
                return self._nobody(now)
            if self._sweep.start(self._plan, self._shape, None if idle_over else changed):
                self._swept = now
            self._changes.mark_searched(thumb)
        share = max(elapsed / max(self._limits.acquire_s, 1e-3), 0.02)
        for seen in self._sweep.advance(view, share):
            again = self._finder.detect_near(view, seen.box, wide=True)
            if again is None or not self._finder.confirm(view, again.box):
                continue
            self._sweep.stop()
            self._meet(view, again.box, now)
            return self._sight()
        return self._nobody(now)

    def _nobody(self, now: float) -> TrackingResult:
        """An empty sight, with the reason for a face that was just lost."""
        if self._lost is None or now - self._lost.seen > KEEP_S:
            self._lost = None
            return TrackingResult()
        return TrackingResult(number=self._lost.number, obstacle=self._why_lost(self._lost))

    def _meet(self, view: View, box: Box, now: float) -> None:
        """Start to follow a face: the guest just lost if it is the same place and the same face."""
        same = (
            self._lost is not None
            and now - self._lost.seen <= KEEP_S
            and iou(box, self._lost.raw) > 0.2
            and self._gist is not None
            and template.match(view, self._gist, box).likeness > ALIKE
        )
        if same and self._lost is not None:
            self._guest, self._lost = self._lost, None
            self._guest.follow(box, now)
        else:
            self._numbers += 1
            self._guest, self._lost = begin(self._numbers, box, now), None
        self._guest.verified = now
        self._gist = template.capture(view, box)
        self._crowd.reset()
        self._changes.forget()

    def _follow(
        self, view: View, thumb: NDArray[np.float32], now: float, elapsed: float
    ) -> TrackingResult | None:
        """Look for the guest where it was; None when it is given up."""
        guest = self._guest
        if guest is None:
            return None
        view.prepare(around(guest.raw, KEPT), max(1, guest.raw.width // FINE))
        if not self._hold(view, guest, now) and not self._verify(view, guest, now):
            guest.misses += 1
            if guest.misses < LOST_FRAMES:
                return TrackingResult(number=guest.number, obstacle=self._why_lost(guest))
            self._lost, self._guest = guest, None
            self._changes.forget()
            return None
        guest = self._guest
        if guest is None:
            return None
        smallest = max(24.0, self._limits.min_height * self._shape[0])
        other = self._crowd.update(view, thumb, guest.raw, self._region, smallest, now, elapsed)
        if other is not None and other.width > LARGER * guest.width:
            self._meet(view, other, now)
            self._crowd.reset(guest.raw, now)
        return self._sight()

    def _hold(self, view: View, guest: Track, now: float) -> bool:
        """Follow by the gist alone, as long as it fits well and the cascade saw the face lately."""
        if self._gist is None or now - guest.verified >= VERIFY_S:
            return False
        match = template.match(view, self._gist, guest.raw)
        if match.likeness < HELD:
            return False
        guest.follow(match.box, now, guest.roll)
        return True

    def _verify(self, view: View, guest: Track, now: float) -> bool:
        """Find the guest with the cascade: close by, then farther off, then leaning."""
        seen = self._finder.detect_near(view, guest.raw)
        roll = 0.0
        if seen is None:
            seen = self._finder.detect_near(view, guest.raw, wide=True)
        if seen is None:
            roll = TILTS[guest.misses % 2] if abs(guest.roll) < 1 else guest.roll
            seen = self._finder.detect_tilted(view, guest.raw, roll)
        if seen is None:
            return False
        if self._gist is not None and template.match(view, self._gist, seen.box).likeness < ALIKE:
            self._numbers += 1
            guest = self._guest = begin(self._numbers, seen.box, now)
        else:
            guest.follow(seen.box, now, roll)
        guest.verified = now
        self._gist = template.capture(view, seen.box)
        return True

    def _sight(self) -> TrackingResult:
        """The guest and the others as they stand now."""
        if self._guest is None:
            return TrackingResult()
        return TrackingResult(self._guest, self._crowd.boxes, self._guest.number)

    def _why_lost(self, track: Track) -> Reason:
        """The likeliest reason why a face is no longer found."""
        height, width = self._shape
        box, edge = track.box, EDGE * track.width
        if box.width > CLOSE_UP * min(height, width):
            return Reason.FACE_TOO_LARGE
        if (
            box.x < edge
            or box.y < edge
            or box.x + box.width > width - edge
            or box.y + box.height > height - edge
        ):
            return Reason.FACE_CUT_OFF
        return Reason.NOT_FACING
