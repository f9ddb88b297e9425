"""Who stands at the gate: search, follow, lose and find again, frame after frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import Box, Reason
from gate.vision import motion
from gate.vision.detector import FaceDetector, iou
from gate.vision.tracking import search, template
from gate.vision.tracking.bystanders import Bystanders
from gate.vision.tracking.track import Track, TrackedFrame, begin
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
"""How long a face may be followed by its template alone, s: every third of 15 frames a second is
the cascade's."""
HELD = 0.9
"""Correlation with its template under which the cascade is asked at once."""
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

    def __init__(self, limits: TrackingLimits, detector: FaceDetector | None = None) -> None:
        self._limits = limits
        self._detector = detector or FaceDetector()
        self._search = search.TiledSearch(self._detector)
        self._changes = motion.ChangeMap()
        self._guest: Track | None = None
        self._lost: Track | None = None
        self._bystanders = Bystanders(self._detector, limits.similar)
        self._numbers = 0
        self._shape: tuple[int, int] = (0, 0)
        self._plan: list[search.SearchTile] = []
        self._searched_at = self._last_at = float("-inf")
        self.work = SearchWork()

    def reset(self) -> None:
        """Forget the guest, the others and the scene."""
        self._guest = self._lost = None
        self._bystanders.reset()
        self._search.stop()
        self._changes.forget()
        self._searched_at = self._last_at = float("-inf")

    def track(self, view: View, thumb: NDArray[np.float32], now: float) -> TrackingResult:
        """What the upright picture taken at ``now`` shows; ``thumb`` is its `motion.thumbnail`."""
        if view.image.shape[:2] != self._shape:
            self._resize(view)
        elapsed = min(max(now - self._last_at, 0.0), self._limits.acquire_s)
        self._last_at = now
        frame = TrackedFrame(view, thumb, now, elapsed)
        self.work.frames += 1
        before = self._detector.pixels
        result = self._follow(frame, self._guest) if self._guest else None
        if result is None:
            result = self._look_for_guest(frame)
        pixels = self._detector.pixels - before
        self.work.pixels += pixels
        self.work.idle += pixels == 0
        return result

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

    def _look_for_guest(self, frame: TrackedFrame) -> TrackingResult:
        """Nobody is followed: search where something changed."""
        view = frame.view
        changed = self._changes.compare(frame.thumb)
        if not self._search.running:
            idle_over = frame.now - self._searched_at >= IDLE_S
            if not idle_over and not changed.any():
                return self._nobody(frame.now)
            if self._search.start(self._plan, self._shape, None if idle_over else changed):
                self._searched_at = frame.now
            self._changes.mark_searched(frame.thumb)
        share = max(frame.elapsed / max(self._limits.acquire_s, 1e-3), 0.02)
        for seen in self._search.advance(view, share):
            again = self._detector.detect_near(view, seen.box, wide=True)
            if again is None or not self._detector.confirm(view, again.box):
                continue
            self._search.stop()
            self._guest = self._meet(view, again.box, frame.now)
            return self._found(self._guest)
        return self._nobody(frame.now)

    def _nobody(self, now: float) -> TrackingResult:
        """Nobody there, with the reason for a face that was just lost."""
        if self._lost is None or now - self._lost.seen > KEEP_S:
            self._lost = None
            return TrackingResult()
        return TrackingResult(number=self._lost.number, obstacle=self._why_lost(self._lost))

    def _meet(self, view: View, box: Box, now: float) -> Track:
        """Start to follow a face: the guest just lost if it is the same place and the same face."""
        lost, self._lost = self._lost, None
        self._bystanders.reset()
        self._changes.forget()
        if (
            lost is not None
            and now - lost.seen <= KEEP_S
            and iou(box, lost.raw) > 0.2
            and template.match(view, lost.template, box).likeness > ALIKE
        ):
            lost.verify(view, box, now)
            return lost
        return self._begin(view, box, now)

    def _begin(self, view: View, box: Box, now: float) -> Track:
        """A guest who was not known before."""
        self._numbers += 1
        return begin(self._numbers, view, box, now)

    def _follow(self, frame: TrackedFrame, guest: Track) -> TrackingResult | None:
        """Look for the guest where they were; None when they are given up."""
        view, now = frame.view, frame.now
        view.prepare(around(guest.raw, KEPT), max(1, guest.raw.width // FINE))
        found = self._hold(view, guest, now) or self._verify(view, guest, now)
        if found is None:
            guest.misses += 1
            if guest.misses < LOST_FRAMES:
                return TrackingResult(number=guest.number, obstacle=self._why_lost(guest))
            self._lost, self._guest = guest, None
            self._changes.forget()
            return None
        smallest = max(24.0, self._limits.min_height * self._shape[0])
        other = self._bystanders.update(frame, found.raw, self._region, smallest)
        if other is not None and other.width > LARGER * found.width:
            self._guest = self._meet(view, other, now)
            self._bystanders.reset(found.raw, now)  # who was the guest stands beside them now
        else:
            self._guest = found
        return self._found(self._guest)

    def _hold(self, view: View, guest: Track, now: float) -> Track | None:
        """Follow by the template alone, while it fits well and the cascade saw the face lately."""
        if now - guest.verified >= VERIFY_S:
            return None
        match = template.match(view, guest.template, guest.raw)
        if match.likeness < HELD:
            return None
        guest.follow(match.box, now, guest.roll)
        return guest

    def _verify(self, view: View, guest: Track, now: float) -> Track | None:
        """Find a face with the cascade: close by, then farther off, then leaning.

        What comes back is the guest, or a new guest where it is another one's face.
        """
        seen = self._detector.detect_near(view, guest.raw)
        roll = 0.0
        if seen is None:
            seen = self._detector.detect_near(view, guest.raw, wide=True)
        if seen is None:
            roll = TILTS[guest.misses % 2] if abs(guest.roll) < 1 else guest.roll
            seen = self._detector.detect_tilted(view, guest.raw, roll)
        if seen is None:
            return None
        if template.match(view, guest.template, seen.box).likeness < ALIKE:
            return self._begin(view, seen.box, now)
        guest.verify(view, seen.box, now, roll)
        return guest

    def _found(self, guest: Track) -> TrackingResult:
        """The guest and the others as they stand now."""
        return TrackingResult(guest, self._bystanders.boxes, guest.number)

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
