"""The loop's side of the camera: takes its frames, judges them, and says what is wrong with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gate.core.controller import Controller
from gate.core.domain import Frame, Observation, Reason, Signal, Trigger
from gate.core.transitions import RESTING, Lane
from gate.hardware.camera_thread import CameraThread
from gate.interfaces.metrics.meter import FrameOutcome, Meter
from gate.service.rolling import RollingWindow
from gate.vision.motion import FrozenCamera
from gate.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class FrameProcessor:
    """Owns feed and pipeline, and the faults of both. Only the loop's thread may call it."""

    def __init__(
        self,
        feed: CameraThread,
        pipeline: Pipeline,
        control: Controller,
        stale_s: float,
        on_frame: Callable[[Observation, Lane], None],
        meter: Meter,
    ) -> None:
        now = time.monotonic()
        self.camera = feed
        self.pipeline = pipeline
        self._control = control
        self._stale_s = stale_s
        self._on_frame = on_frame
        self._meter = meter
        self._frozen = FrozenCamera()
        self._fresh_at = now  # the camera has `stale_s` from here
        self._renewed_at = now
        self._resting = True
        self.seen = False
        """Whether there ever was a good picture."""
        self.judged = self.late = 0
        self.pictures = RollingWindow(now)
        """Good pictures that the loop took."""
        self.work = RollingWindow(now)
        """Seconds from taking a picture to having acted on it."""

    def process(self, frame: Frame) -> None:
        """Judge one frame, unless it is too old to open a gate with."""
        begun = time.monotonic()
        age_s = begun - frame.monotonic
        if age_s > self._stale_s:
            self.late += 1
            self._meter.record_frame(FrameOutcome.LATE, age_s)
            log.warning("frame %d came too late and is not used", frame.sequence)
            return
        if self._frozen.same_for(frame.image, frame.monotonic) > self._stale_s:
            self._meter.record_frame(FrameOutcome.FAILED, age_s)
            self._fault(Reason.FAULT_CAMERA, "the same picture again and again")
            if begun - max(self._fresh_at, self._renewed_at) > 5 * self._stale_s:
                self._renewed_at = begun
                self.camera.reopen()
            return
        self._fresh_at = frame.monotonic
        self.seen = True
        self.pictures.add(begun)
        self._well(Reason.FAULT_CAMERA)
        if self._control.lane.state in RESTING:
            self._resting = True  # nobody is to be judged: save the work
            self._meter.record_frame(FrameOutcome.RESTING, age_s)
            return
        if self._resting:
            self.pipeline.reset()
            self._resting = False
        try:
            observation = self.pipeline.observe(frame)
        except Exception as error:
            self._meter.record_frame(FrameOutcome.FAILED, age_s)
            if not self._control.is_at_fault(Reason.FAULT_MODEL):  # once, not with every frame
                log.exception("frame %d cannot be judged", frame.sequence)
            self._fault(Reason.FAULT_MODEL, f"{type(error).__name__}: {error}")
            return
        self._well(Reason.FAULT_MODEL)
        self._control.observe(observation, time.monotonic())
        self._on_frame(observation, self._control.lane)
        self.judged += 1
        done = time.monotonic()
        self.work.add(done, done - begun)
        self._meter.record_frame(FrameOutcome.JUDGED, age_s)
        self._meter.record_stages(self.pipeline.stages.spent | {"whole": done - begun})

    def supervise(self, now: float) -> bool:
        """Look after the camera; whether its pictures are fresh, or something is done about it."""
        self.camera.supervise(now)
        fresh = now - self._fresh_at <= self._stale_s
        if not fresh and not self.camera.over:
            problem = self.camera.problem or f"no new picture for {self._stale_s:g} s"
            self._fault(Reason.FAULT_CAMERA, problem)
        return (self.seen and fresh) or (bool(self._control.lane.faults) and self.camera.retrying)

    def age_s(self, now: float) -> float | None:
        """Age of the newest good picture."""
        return now - self._fresh_at if self.seen else None

    def replace(
        self, *, feed: CameraThread | None, pipeline: Pipeline | None, stale_s: float
    ) -> None:
        """Go on with another camera, or with other settings of the seeing."""
        self._stale_s = stale_s
        if pipeline is not None:
            self.pipeline = pipeline
        if feed is not None:
            self.camera.abandon()
            self.camera = feed
            self._frozen = FrozenCamera()
            self._fresh_at = time.monotonic()
            feed.start()
        self.pipeline.reset()

    def _fault(self, part: Reason, detail: str) -> None:
        self._control.process(Signal(Trigger.FAULT, part, detail=detail), time.monotonic())

    def _well(self, part: Reason) -> None:
        self._control.process(Signal(Trigger.RECOVERED, part), time.monotonic())
