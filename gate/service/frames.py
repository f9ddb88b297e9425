"""The loop's side of the camera: takes its frames, judges them, and says what is wrong with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gate.core.controller import Controller
from gate.core.domain import Frame, Observation, Reason, Signal, Trigger
from gate.core.transitions import RESTING, Lane
from gate.hardware.camera_thread import CameraThread
from gate.interfaces.metrics.meter import FrameOutcome, FrameResult
from gate.service.rolling_window import RollingWindow
from gate.vision.motion import FrozenCamera
from gate.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class FrameProcessor:
    """Owns camera and pipeline, and the faults of both. Only the loop's thread may call it.

    ``now`` is always the loop's time, monotonic s; ``clock`` only measures how long work took.
    """

    def __init__(
        self,
        camera: CameraThread,
        pipeline: Pipeline | None,
        controller: Controller,
        *,
        stale_s: float,
        now: float,
        on_frame: Callable[[Observation, Lane], None] = lambda observation, lane: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """A picture older than ``stale_s`` opens nothing, and without a newer one is a fault.

        ``pipeline`` is None as long as its model can't be loaded; nothing is judged then.
        """
        self.camera = camera
        self.pipeline = pipeline
        self._controller = controller
        self._stale_s = stale_s
        self._on_frame = on_frame
        self._clock = clock
        self._frozen = FrozenCamera()
        self._fresh_at = now  # the camera has `stale_s` from here
        self._reopened_at = now
        self._resting = True
        self.seen = False
        """Whether there ever was a good picture."""
        self.newest: Observation | None = None
        """What the newest judged frame showed; None while nobody is to be judged."""
        self.judged = self.late = 0
        self.pictures = RollingWindow(now)
        """Good pictures that the loop took."""
        self.work = RollingWindow(now)
        """Seconds from taking a picture to having acted on it."""

    def process(self, frame: Frame, now: float) -> FrameResult:
        """Judge one frame that the loop took at ``now``, and say what became of it."""
        begun, age_s = self._clock(), now - frame.monotonic
        if age_s > self._stale_s:
            self.late += 1
            log.warning("frame %d came too late and is not used", frame.sequence)
            return FrameResult(FrameOutcome.LATE, age_s)
        if self._frozen.same_for(frame.image, frame.monotonic) > self._stale_s:
            self._fault(Reason.FAULT_CAMERA, "the same picture again and again", now)
            if now - max(self._fresh_at, self._reopened_at) > 5 * self._stale_s:
                self._reopened_at = now
                self.camera.reopen()
            return FrameResult(FrameOutcome.FAILED, age_s)
        self._fresh_at = frame.monotonic
        self.seen = True
        self.pictures.add(now)
        self._well(Reason.FAULT_CAMERA, now)
        if self._controller.lane.state in RESTING:
            self._resting, self.newest = True, None  # nobody is to be judged: save the work
            return FrameResult(FrameOutcome.RESTING, age_s)
        return self._judge(frame, now, begun)

    def _judge(self, frame: Frame, now: float, begun: float) -> FrameResult:
        """Have the pipeline look at a good frame, and the controller act on what it shows."""
        age_s, pipeline = now - frame.monotonic, self.pipeline
        if pipeline is None:
            return FrameResult(FrameOutcome.FAILED, age_s)
        if self._resting:
            pipeline.reset()
            self._resting = False
        try:
            observation = pipeline.observe(frame)
        except Exception as error:
            if not self._controller.is_at_fault(Reason.FAULT_MODEL):  # once, not with every frame
                log.exception("frame %d cannot be judged", frame.sequence)
            self._fault(Reason.FAULT_MODEL, f"{type(error).__name__}: {error}", now)
            return FrameResult(FrameOutcome.FAILED, age_s)
        judged_at = now + self._clock() - begun  # a hold begins when the relay moves
        self._well(Reason.FAULT_MODEL, judged_at)
        self.newest = observation
        self._controller.observe(observation, judged_at)
        self._on_frame(observation, self._controller.lane)
        self.judged += 1
        whole_s = self._clock() - begun
        self.work.add(now + whole_s, whole_s)
        stages = pipeline.stages.spent | {"whole": whole_s}
        return FrameResult(FrameOutcome.JUDGED, age_s, stages)

    def supervise(self, now: float) -> bool:
        """Look after the camera; whether its pictures are fresh, or something is done about it."""
        self.camera.supervise(now)
        fresh = now - self._fresh_at <= self._stale_s
        if not fresh and not self.camera.over:
            problem = self.camera.problem or f"no new picture for {self._stale_s:g} s"
            self._fault(Reason.FAULT_CAMERA, problem, now)
        at_fault = bool(self._controller.lane.faults)
        return (self.seen and fresh) or (at_fault and self.camera.retrying)

    def age_s(self, now: float) -> float | None:
        """Age of the newest good picture."""
        return now - self._fresh_at if self.seen else None

    def replace(
        self, *, camera: CameraThread | None, pipeline: Pipeline | None, stale_s: float, now: float
    ) -> None:
        """Go on with another camera, or with other settings of the seeing."""
        self._stale_s = stale_s
        if pipeline is not None:
            self.pipeline = pipeline
        if camera is not None:
            camera.succeed(self.camera)
            self.camera = camera
            self._frozen = FrozenCamera()
            self._fresh_at = now
            camera.start()
        if self.pipeline is not None and (camera is not None or pipeline is not None):
            self.pipeline.reset()

    def _fault(self, part: Reason, detail: str, now: float) -> None:
        self._controller.process(Signal(Trigger.FAULT, part, detail=detail), now)

    def _well(self, part: Reason, now: float) -> None:
        self._controller.process(Signal(Trigger.RECOVERED, part), now)
