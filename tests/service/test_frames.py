"""The loop's side of a camera that hangs, freezes, or is late."""

from __future__ import annotations

import time

import numpy as np

from gate.core.controller import Controller
from gate.core.domain import Frame, Observation, Reason, Signal, Trigger
from gate.core.rules import Rules
from gate.errors import CameraError
from gate.hardware.camera_thread import CameraThread
from gate.interfaces.metrics.meter import Meter
from gate.service.frames import FrameProcessor
from gate.service.inbox import Inbox
from gate.vision.stages import StageClock
from tests.fakes import ListRecorder, ListRelay


class BlindPipeline:
    """Sees nobody, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.stages = StageClock()

    def observe(self, frame: Frame) -> Observation:
        self.asked += 1
        return Observation(frame.sequence, frame.monotonic)

    def reset(self) -> None:
        """Remembers nothing anyway."""


class TiredFeed(CameraThread):
    """A feed that can be told to have given up, and counts how often it was renewed."""

    renewed = 0

    def supervise(self, now: float) -> None:
        """The test says how it is."""

    def reopen(self) -> None:
        self.renewed += 1


def no_camera() -> None:
    raise CameraError("none")


class Bench:
    def __init__(self, stale_s: float = 1.0) -> None:
        self.feed = TiredFeed(no_camera, Inbox())  # type: ignore[arg-type]  # never started
        self.control = Controller(Rules(0.5), ListRecorder(), ListRelay())
        self.control.process(Signal(Trigger.OPENED), 0.0)
        self.pipeline = BlindPipeline()
        self.lookout = FrameProcessor(
            self.feed,
            self.pipeline,  # type: ignore[arg-type]  # all that is asked of a pipeline
            self.control,
            stale_s,
            lambda observation, lane: None,
            Meter(),
        )

    def show(self, level: int, age_s: float = 0.0) -> None:
        """A picture with some noise, so old."""
        noise = np.random.default_rng(level).integers(0, 255, (48, 64, 3), np.uint8)
        self.lookout.process(Frame(noise, level, time.monotonic() - age_s))


def test_fresh_pictures_are_well_and_measured() -> None:
    """Each is judged, and its rate, its work and its age can be read."""
    bench = Bench()
    for level in range(5):
        bench.show(level)
    now = time.monotonic()
    assert bench.lookout.supervise(now)
    assert bench.lookout.judged == bench.pipeline.asked == 5
    assert bench.lookout.pictures.rate(now) > 0
    assert bench.lookout.work.worst(now) is not None
    age_s = bench.lookout.age_s(now)
    assert age_s is not None
    assert age_s < 60


def test_a_late_picture_opens_nothing() -> None:
    """It is counted and not judged."""
    bench = Bench()
    bench.show(1, age_s=2.0)
    assert (bench.lookout.late, bench.pipeline.asked) == (1, 0)


def test_a_gate_without_pictures_is_alive_only_while_it_tries() -> None:
    """A fault that is openly told and retried is alive; one that was given up on is not."""
    bench = Bench()
    later = time.monotonic() + 10
    assert bench.lookout.supervise(later)
    assert bench.control.is_at_fault(Reason.FAULT_CAMERA)
    bench.feed.retrying = False
    bench.feed.problem = "the driver does not return"
    assert not bench.lookout.supervise(later)
    assert bench.control.details[Reason.FAULT_CAMERA] == "the driver does not return"


def test_a_frozen_camera_is_opened_anew_now_and_then() -> None:
    """The same picture again and again is a fault, and not waited out for ever."""
    bench = Bench(stale_s=0.01)
    give_up = time.monotonic() + 10
    while bench.feed.renewed < 2 and time.monotonic() < give_up:
        bench.show(1)
    assert bench.feed.renewed == 2
    assert bench.control.is_at_fault(Reason.FAULT_CAMERA)
