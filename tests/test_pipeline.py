"""From a frame to an observation."""

from __future__ import annotations

import pytest

from gate.domain import Frame, Reason
from gate.pipeline import Pipeline, Settings
from tests.seeing import FakeClassifier, astronaut, placed


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Settings(), FakeClassifier())


def test_a_still_photo_has_its_face_judged(pipeline: Pipeline) -> None:
    """`examine` fills smile and eyes for every face."""
    seen = pipeline.examine(astronaut())
    assert seen.guest is not None
    assert seen.guest.smile is not None
    assert seen.guest.eyes_open == 2


def test_a_live_frame_shows_the_guest(pipeline: Pipeline) -> None:
    """`observe` finds the guest and names nothing in the way."""
    seen = pipeline.observe(Frame(placed(astronaut(), 480, 640, 1.0, 60, 0), 7, 1.5))
    assert (seen.sequence, seen.monotonic, len(seen.faces)) == (7, 1.5, 1)
    assert seen.obstacle is None


def test_a_face_far_away_is_too_small(pipeline: Pipeline) -> None:
    """Below the configured height the guest is told to come closer."""
    seen = pipeline.observe(Frame(placed(astronaut(), 480, 640, 0.4, 200, 100), 0, 0.0))
    assert seen.obstacle is Reason.FACE_TOO_SMALL
