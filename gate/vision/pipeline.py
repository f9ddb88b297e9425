"""From a frame to what it shows: face, eyes, smile, and what stands in the way.

`Pipeline` owns what is remembered from frame to frame; the parts in `gate.vision` do the seeing.
It measures: whether a frame qualifies is decided by `gate.core.rules`, how many in a row by
`gate.core.machine`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate.core.domain import Box, Face, Observation, Reason
from gate.core.rules import LivenessMode
from gate.vision import light, motion, photos
from gate.vision.detector import FaceDetector
from gate.vision.eyes import EyeJudge, EyeRules, EyeScorer
from gate.vision.framing import cut, cuts, still_score
from gate.vision.light import LightLimits
from gate.vision.liveness import LivenessCheck, LivenessRules, LivenessView, portrait
from gate.vision.stage_clock import StageClock
from gate.vision.tracking.tracker import GuestTracker, TrackingLimits
from gate.vision.view import Mounting, View, around, gray

if TYPE_CHECKING:
    from gate.core.domain import Frame, Image
    from gate.vision.tracking.track import Track

SMOOTHING_S = 0.12
"""Time constant of the smile score and of the eyes, s: two frames of 15 a second."""
CROP_MARGIN = 0.35
"""What a crop for the smile may show beside the face's box, in box widths."""


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """What the seeing part needs from the configuration."""

    min_height: float = 0.1
    """Smallest face that counts, as a fraction of the upright frame's height."""
    similar: float = 0.6
    """A second face counts when it is at least this fraction of the guest's width."""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, width, height of the part that counts, as fractions of the upright frame."""
    acquire_s: float = 0.5
    """Longest time for a search of the whole region once something changed, s."""
    mounting: Mounting = field(default_factory=Mounting)
    eyes: EyeRules = field(default_factory=EyeRules)
    light: LightLimits = field(default_factory=LightLimits)
    liveness: LivenessRules = field(default_factory=LivenessRules)


@dataclass(slots=True)
class _Memory:
    """What is smoothed from frame to frame, for one guest."""

    number: int
    box: Box
    now: float
    smile: float
    eyes: tuple[float, float]


class Pipeline:
    """The eyes of the gate: one `Observation` a frame."""

    def __init__(
        self,
        settings: PipelineSettings,
        smile: EyeScorer,
        eyes: EyeScorer | None = None,
        *,
        stages: StageClock | None = None,
    ) -> None:
        """``stages`` measures ``face``, and ``smile`` and ``eyes`` where there is a guest.

        Raises `ModelError` where OpenCV's cascades are missing.
        """
        self._settings = settings
        self._smile = smile
        self._detector = FaceDetector()
        self._eyes = EyeJudge(settings.eyes, eyes)
        self._liveness = LivenessCheck(settings.liveness)
        self._memory: _Memory | None = None
        limits = TrackingLimits(
            settings.min_height, settings.similar, settings.region, settings.acquire_s
        )
        self.tracker = GuestTracker(limits, self._detector)
        self.stages = stages or StageClock()

    def observe(self, frame: Frame) -> Observation:
        """What a live frame shows; boxes are in pixels of the upright frame."""
        image = frame.image
        self.stages.begin()
        if image.ndim not in (2, 3) or min(image.shape) == 0:
            return Observation(frame.sequence, frame.monotonic)
        with self.stages.measure("face"):
            view = View(self._settings.mounting.upright(image))
            thumb = motion.thumbnail(motion.sample(view.image))
            result = self.tracker.track(view, thumb, frame.monotonic)
        if result.guest is None:
            obstacle = result.obstacle or light.scene(thumb, self._settings.light)
            return Observation(
                frame.sequence, frame.monotonic, guest_id=result.number, obstacle=obstacle
            )
        return self._seen(frame, view, result.guest, result.others)

    def examine(self, image: Image) -> Observation:
        """What a still photo shows: every face, smile and eyes judged, nothing remembered."""
        view = View(gray(image))
        faces = []
        for box in photos.find(self._detector, view.image):
            scores = self._eyes.score(view, box)
            patch, inner = view.patch(box, CROP_MARGIN)
            crops = cuts(patch, inner, self._smile.card.framing, self._smile.size)
            smile = still_score(self._smile.score(crops))
            faces.append(Face(box, smile, self._count_open(scores)))
        obstacle = Reason.MORE_THAN_ONE_FACE if len(faces) > 1 else None
        return Observation(0, 0.0, tuple(faces), obstacle=obstacle)

    def reset(self) -> None:
        """Forget the last guest and the scene: after a pause, after a fault."""
        self.tracker.reset()
        self._liveness.reset()
        self._memory = None

    def _seen(self, frame: Frame, view: View, guest: Track, others: tuple[Box, ...]) -> Observation:
        """The observation of a frame in which the guest's face was found."""
        box = guest.box
        view.prepare(around(box, CROP_MARGIN))
        with self.stages.measure("smile"):
            smile = float(self._smile.score([self._crop(view, box)])[0])
        with self.stages.measure("eyes"):
            eyes = self._eyes.score(view, box, frame.monotonic)
        measured = light.measure(view, box)
        before = self._memory if self._memory and self._memory.number == guest.number else None
        now = frame.monotonic
        memory = _Memory(guest.number, guest.raw, now, smile, eyes)
        if before is not None:
            keep = SMOOTHING_S / (SMOOTHING_S + max(now - before.now, 0.0))
            memory.smile = keep * before.smile + (1 - keep) * smile
            memory.eyes = (
                keep * before.eyes[0] + (1 - keep) * eyes[0],
                keep * before.eyes[1] + (1 - keep) * eyes[1],
            )
        self._memory = memory
        alive = self._settings.liveness.mode is LivenessMode.OFF or self._liveness.judge(
            LivenessView(
                now=now,
                number=guest.number,
                smile=smile,
                eyes=eyes,
                sharpness=measured.sharpness,
                move=_moved(before.box, guest.raw) if before else 1.0,
                upright=abs(guest.roll) < 1.0,
                face=portrait(view, box),
            )
        )
        faces = (
            Face(box, memory.smile, self._count_open(memory.eyes)),
            *(Face(other) for other in others),
        )
        return Observation(
            frame.sequence,
            now,
            faces,
            guest_id=guest.number,
            obstacle=self._obstacle(view, faces, measured),
            alive=alive,
        )

    def _obstacle(
        self, view: View, faces: tuple[Face, ...], measured: light.FaceLight
    ) -> Reason | None:
        """What keeps this frame from counting, whatever its scores."""
        if len(faces) > 1:
            return Reason.MORE_THAN_ONE_FACE
        if faces[0].box.height < self._settings.min_height * view.bounds.height:
            return Reason.FACE_TOO_SMALL
        return measured.obstacle(self._settings.light)

    def _count_open(self, scores: tuple[float, float]) -> int:
        """How many of the two eyes are open."""
        return sum(score >= self._eyes.threshold for score in scores)

    def _crop(self, view: View, box: Box) -> Image:
        """The face as the smile model wants it."""
        patch, inner = view.patch(box, CROP_MARGIN)
        return cut(patch, inner, self._smile.card.framing, self._smile.size)


def _moved(before: Box, after: Box) -> float:
    """How far a face moved or grew between two frames, in its widths."""
    moves = (
        abs(before.x + before.width / 2 - after.x - after.width / 2),
        abs(before.y + before.height / 2 - after.y - after.height / 2),
        abs(before.width - after.width),
    )
    return max(moves) / max(before.width, 1)
