"""The loop's side of a camera that hangs, freezes, or is late."""

from __future__ import annotations

import itertools

import numpy as np

from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Frame, Observation, Reason, Signal, Trigger
from gate.core.recorder import DirectWriter
from gate.core.rules import Rules
from gate.errors import CameraError
from gate.hardware.camera_thread import CameraThread
from gate.interfaces.metrics.meter import FrameOutcome, FrameResult
from gate.service.frames import FrameProcessor
from gate.service.inbox import Inbox
from gate.vision.stage_clock import StageClock
from tests.fakes import ListRecorder, ListRelay, seen

STALE_S = 1.0


class FakePipeline:
    """Sees a guest who smiles, or is broken; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False
        self.stages = StageClock(itertools.count().__next__)

    def observe(self, frame: Frame) -> Observation:
        self.asked += 1
        if self.broken:
            raise ValueError("in the model")
        with self.stages.measure("face"):
            return seen(at=frame.monotonic)

    def reset(self) -> None:
        """Remembers nothing anyway."""


class TiredCamera(CameraThread):
    """A camera that can be told to have given up, and counts how often it was opened anew."""

    reopened = 0

    def supervise(self, now: float) -> None:
        """The test says how it is."""

    def reopen(self) -> None:
        self.reopened += 1


def no_camera() -> None:
    raise CameraError("none")


class Bench:
    """A frame processor on the test's own clocks: the loop's stands, the work's ticks 0.25 s."""

    def __init__(self) -> None:
        self.camera = TiredCamera(no_camera, Inbox())  # type: ignore[arg-type]  # never started
        self.events: list[Event] = []
        self.controller = Controller(
            Rules(0.5, frames=2),
            DirectWriter(ListRecorder()),
            ListRelay(),
            on_event=self.events.append,
        )
        self.controller.process(Signal(Trigger.OPENED), 0.0)
        self.pipeline = FakePipeline()
        self.frames = FrameProcessor(
            self.camera,
            self.pipeline,  # type: ignore[arg-type]  # all that is asked of a pipeline
            self.controller,
            stale_s=STALE_S,
            now=0.0,
            clock=itertools.count(step=0.25).__next__,
        )

    def show(self, level: int, now: float, age_s: float = 0.0) -> FrameResult:
        """A picture with some noise that the loop takes at ``now``, so old."""
        noise = np.random.default_rng(level).integers(0, 255, (48, 64, 3), np.uint8)
        return self.frames.process(Frame(noise, level, now - age_s), now)


def test_fresh_pictures_are_well_and_measured() -> None:
    """Each is judged, and its rate, its work and its age can be read."""
    bench = Bench()
    results = [bench.show(level, level / 10, age_s=0.01) for level in range(5)]
    assert {result.outcome for result in results} == {FrameOutcome.JUDGED}
    assert round(results[0].age_s, 3) == 0.01
    assert bench.frames.supervise(0.5)
    assert bench.frames.judged == bench.pipeline.asked == 5
    assert bench.frames.pictures.rate(0.5) == 10
    assert bench.frames.age_s(0.5) == 0.5 - (0.4 - 0.01)


def test_what_a_frame_took_is_in_its_result() -> None:
    """The pipeline's stages and the whole, each once; a frame that was not judged has none."""
    bench = Bench()
    assert bench.show(1, 0.1).stages == {"face": 1, "whole": 0.5}
    assert bench.frames.work.worst(0.1) == 0.5
    assert bench.show(2, 5.0, age_s=2.0).stages == {}


def test_a_grant_begins_when_the_frame_has_been_judged() -> None:
    """A slow model does not shorten the hold."""
    bench = Bench()
    for number in range(3):
        bench.show(number, 1.0 + number / 8)
    (grant,) = [event for event in bench.events if event.kind is EventKind.GRANTED]
    assert grant.monotonic == 1.25 + 0.25


def test_a_late_picture_opens_nothing() -> None:
    """It is counted and not judged."""
    bench = Bench()
    assert bench.show(1, 3.0, age_s=2.0) == FrameResult(FrameOutcome.LATE, 2.0)
    assert (bench.frames.late, bench.pipeline.asked) == (1, 0)


def test_a_closed_lane_saves_the_work() -> None:
    """Nobody is to be judged, yet the picture is a good one."""
    bench = Bench()
    bench.controller.process(Signal(Trigger.CLOSED), 0.0)
    assert bench.show(1, 0.1).outcome is FrameOutcome.RESTING
    assert bench.pipeline.asked == 0
    assert bench.frames.seen


def test_a_picture_that_cannot_be_judged_is_a_fault_until_one_can() -> None:
    """A model that raises stops no loop, opens nothing, and heals by itself."""
    bench = Bench()
    bench.pipeline.broken = True
    assert bench.show(1, 0.1).outcome is FrameOutcome.FAILED
    assert bench.controller.details[Reason.FAULT_MODEL] == "ValueError: in the model"
    bench.pipeline.broken = False
    assert bench.show(2, 0.2).outcome is FrameOutcome.JUDGED
    assert not bench.controller.is_at_fault(Reason.FAULT_MODEL)


def test_a_gate_without_pictures_is_alive_only_while_it_tries() -> None:
    """A fault that is openly told and retried is alive; one that was given up on is not."""
    bench = Bench()
    assert bench.frames.supervise(10.0)
    assert bench.controller.is_at_fault(Reason.FAULT_CAMERA)
    bench.camera.retrying = False
    bench.camera.problem = "the driver does not return"
    assert not bench.frames.supervise(10.0)
    assert bench.controller.details[Reason.FAULT_CAMERA] == "the driver does not return"


def test_a_frozen_camera_is_opened_anew_now_and_then() -> None:
    """The same picture again and again is a fault, and not waited out for ever."""
    bench = Bench()
    results = [bench.show(1, tenth / 10) for tenth in range(125)]
    assert results[-1].outcome is FrameOutcome.FAILED
    assert bench.camera.reopened == 2
    assert bench.controller.is_at_fault(Reason.FAULT_CAMERA)
