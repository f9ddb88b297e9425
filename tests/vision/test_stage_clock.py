"""Stage times by a clock that the test sets."""

from __future__ import annotations

import itertools
from contextlib import suppress

from gate.core.domain import Frame
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.stage_clock import StageClock
from tests.seeing import FakeClassifier, astronaut, placed


def test_each_stage_has_its_own_time() -> None:
    """What passes between two stages belongs to neither, and a frame forgets the one before."""
    stages = StageClock(iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0]).__next__)
    stages.begin()
    with stages.measure("face"):
        pass
    with stages.measure("smile"):
        pass
    assert stages.spent == {"face": 3.0, "smile": 1.0}
    stages.begin()
    with stages.measure("face"):
        pass
    assert stages.spent == {"face": 5.0}


def test_a_stage_that_raises_is_not_counted() -> None:
    """A frame that could not be judged tells nothing of what judging costs."""
    stages = StageClock(itertools.count().__next__)
    with suppress(ZeroDivisionError), stages.measure("face"):
        raise ZeroDivisionError
    assert stages.spent == {}


def test_the_pipeline_measures_what_it_does() -> None:
    """The face in every frame, smile and eyes where there is a guest, nothing without a picture."""
    stages = StageClock(itertools.count().__next__)
    pipeline = Pipeline(PipelineSettings(), FakeClassifier(), stages=stages)
    wall = placed(astronaut(), 480, 640, 1.0, 700, 0)
    pipeline.observe(Frame(wall, 0, 0.0))
    assert stages.spent == {"face": 1}
    pipeline.reset()
    pipeline.observe(Frame(placed(astronaut(), 480, 640, 1.0, 60, 0), 1, 0.1))
    assert stages.spent == {"face": 1, "smile": 1, "eyes": 1}
    pipeline.observe(Frame(wall[:0], 2, 0.2))
    assert stages.spent == {}
