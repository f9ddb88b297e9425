"""From a frame to an observation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.domain import Frame, Reason
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.view import Mounting
from tests.seeing import FakeClassifier, astronaut, placed


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(PipelineSettings(), FakeClassifier())


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


FUZZ: dict[str, Any] = {
    "empty": np.zeros((0, 0, 3), np.uint8),
    "no width": np.zeros((480, 0, 3), np.uint8),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "one row": np.zeros((1, 640, 3), np.uint8),
    "thin": np.full((700, 9, 3), 90, np.uint8),
    "tiny": np.full((23, 31, 3), 90, np.uint8),
    "odd": np.full((479, 637, 3), 90, np.uint8),
    "gray": np.full((480, 640), 90, np.uint8),
    "gray with an axis": np.full((480, 640, 1), 90, np.uint8),
    "with alpha": np.full((480, 640, 4), 90, np.uint8),
    "two channels": np.full((480, 640, 2), 90, np.uint8),
    "black": np.zeros((480, 640, 3), np.uint8),
    "white": np.full((480, 640, 3), 255, np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8),
    "gray noise": np.random.default_rng(1).integers(0, 256, (240, 320), dtype=np.uint8),
    "sixteen bits": np.full((480, 640, 3), 9000, np.uint16),
    "floats": np.full((480, 640, 3), np.nan, np.float32),
    "huge": np.full((3000, 4000, 3), 120, np.uint8),
    "every second pixel of a face": astronaut()[::2, ::2],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZ)
def test_no_picture_stops_the_gate_or_opens_it(pipeline: Pipeline, name: str) -> None:
    """Whatever the camera hands over: no crash, and no smile where there is no face."""
    seen = [pipeline.observe(Frame(FUZZ[name], index, index / 10)) for index in range(4)]
    still = pipeline.examine(FUZZ[name])
    if name != "every second pixel of a face":
        assert not any(one.faces for one in seen)
        assert not still.faces


def test_pictures_of_changing_size_and_depth_in_one_stream(pipeline: Pipeline) -> None:
    """A camera that changes its mode in the middle of a guest is no reason to stop."""
    face = placed(astronaut(), 480, 640, 1.0, 60, 0)
    stream = [face, face[:, :, 0], face[:240, :320], FUZZ["empty"], face, FUZZ["with alpha"], face]
    seen = [pipeline.observe(Frame(image, n, n / 10)) for n, image in enumerate(stream)]
    assert seen[0].faces
    assert seen[-1].faces


@given(
    height=st.integers(0, 90),
    width=st.integers(0, 90),
    channels=st.sampled_from([0, 1, 2, 3, 4, 5]),
)
@settings(max_examples=30)
def test_any_small_array_is_survived(height: int, width: int, channels: int) -> None:
    """No shape raises."""
    shape = (height, width, channels) if channels else (height, width)
    image = np.random.default_rng(height).integers(0, 256, shape, dtype=np.uint8)
    pipeline = Pipeline(PipelineSettings(), FakeClassifier())
    pipeline.observe(Frame(image, 0, 0.0))
    pipeline.examine(image)


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_camera_that_hangs_otherwise_is_one_setting(rotate: int) -> None:
    """Upside down or on its side: the same face, upright."""
    upright = placed(astronaut(), 480, 640, 1.0, 60, 0)
    mounting = Mounting(rotate=rotate, mirror=True)
    hung = np.rot90(upright[:, ::-1], rotate // 90)
    pipeline = Pipeline(PipelineSettings(mounting=mounting), FakeClassifier())
    guest = pipeline.observe(Frame(hung, 0, 0.0)).guest
    assert guest is not None
    assert guest.eyes_open == 2
    assert abs(guest.box.x - 237) < 20


@pytest.mark.parametrize(("factor", "reason"), [(0.05, Reason.TOO_DARK), (9.0, Reason.TOO_BRIGHT)])
def test_light_that_hides_the_face_is_named(
    pipeline: Pipeline, factor: float, reason: Reason
) -> None:
    """Too dark and too bright are told apart, also while a guest is followed."""
    face = placed(astronaut(), 480, 640, 1.0, 60, 0)
    pipeline.observe(Frame(face, 0, 0.0))
    pipeline.reset()
    spoilt = np.clip(face * factor, 0, 255).astype(np.uint8)
    seen = [pipeline.observe(Frame(spoilt, n, n / 10)) for n in range(8)]
    assert seen[-1].obstacle is reason


def test_after_a_reset_the_guest_is_a_new_one(pipeline: Pipeline) -> None:
    """A pause or a fault ends the visit."""
    face = placed(astronaut(), 480, 640, 1.0, 60, 0)
    first = pipeline.observe(Frame(face, 0, 0.0)).guest_id
    pipeline.reset()
    assert pipeline.observe(Frame(face, 1, 0.1)).guest_id != first
