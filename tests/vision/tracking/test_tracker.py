"""Who stands at the gate, over many frames."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from gate.core.domain import Reason
from gate.vision import motion
from gate.vision.detector import FaceDetector
from gate.vision.tracking.tracker import GuestTracker, TrackingLimits, TrackingResult
from gate.vision.view import View
from tests.seeing import astronaut, placed

FPS = 15


@pytest.fixture(scope="module")
def finder() -> FaceDetector:
    return FaceDetector()


def person(scale: float, x: int, y: int = 20) -> np.ndarray:
    """The astronaut's head and shoulders on the wall, at (x, y)."""
    return placed(astronaut()[:300, 90:370], 480, 640, scale, x, y)


def wall(seed: int) -> np.ndarray:
    grain = np.random.default_rng(seed).integers(0, 6, (480, 640, 3))
    return (117 + grain).astype(np.uint8)


def see(
    watch: GuestTracker, frames: Iterable[np.ndarray], start: float = 0.0
) -> list[TrackingResult]:
    """What the watch says of each frame."""
    sights = []
    for index, image in enumerate(frames):
        grain = np.random.default_rng(index).integers(0, 5, image.shape, dtype=np.uint8)
        view = View(np.clip(image.astype(int) + grain, 0, 255).astype(np.uint8))
        now = start + index / FPS
        sights.append(watch.track(view, motion.thumbnail(motion.sample(view.image)), now))
    return sights


def test_a_guest_who_moves_stays_the_same_guest(finder: FaceDetector) -> None:
    """Walking about in front of the gate is one visit."""
    path = (person(1.0 + 0.02 * step, 150 + 4 * step) for step in range(25))
    sights = see(GuestTracker(TrackingLimits(), finder), path)
    assert all(sight.guest for sight in sights)
    assert {sight.number for sight in sights} == {1}


def test_a_guest_is_found_within_the_time_that_is_set(finder: FaceDetector) -> None:
    """However long the gate was idle, a face is seen within `acquire_s`."""
    watch = GuestTracker(TrackingLimits(acquire_s=0.5), finder)
    see(watch, (wall(0) for _ in range(30)))
    sights = see(watch, (person(1.0, 200) for _ in range(9)), start=2.0)
    assert sights[8].guest is not None


def test_an_empty_still_scene_is_not_searched(finder: FaceDetector) -> None:
    """Nothing moves: next to nothing is done."""
    watch = GuestTracker(TrackingLimits(), finder)
    see(watch, (wall(0) for _ in range(45)))
    assert watch.work.idle >= 30


def test_the_next_guest_is_another_one(finder: FaceDetector) -> None:
    """Someone leaves, the place is empty for a while, someone comes: two visits."""
    watch = GuestTracker(TrackingLimits(), finder)
    first = see(watch, [person(1.0, 200)] * 6)[-1]
    see(watch, (wall(0) for _ in range(30)), start=1.0)
    second = see(watch, [person(1.0, 60)[:, ::-1]] * 12, start=3.0)[-1]
    assert first.number == 1
    assert second.number == 2


def test_a_second_face_of_similar_size_counts(finder: FaceDetector) -> None:
    """Two people at the gate are two."""
    both = person(1.0, 10)
    both[:, 320:] = person(1.0, 10)[:, :320]
    sights = see(GuestTracker(TrackingLimits(), finder), [both] * 30)
    assert len(sights[-1].others) == 1


def test_a_bystander_in_the_queue_does_not_count(finder: FaceDetector) -> None:
    """A face much smaller than the guest's is somebody who waits."""
    scene = person(1.8, 0)
    scene[:, 500:] = person(0.55, 0)[:, :140]
    sights = see(GuestTracker(TrackingLimits(), finder), [scene] * 30)
    assert sights[-1].guest is not None
    assert sights[-1].guest.box.width > 120
    assert not any(sight.others for sight in sights)


def test_only_the_region_counts(finder: FaceDetector) -> None:
    """A face beside the lane is nobody's guest."""
    watch = GuestTracker(TrackingLimits(region=(0.6, 0.0, 0.4, 1.0)), finder)
    assert not any(sight.guest for sight in see(watch, [person(1.0, 30)] * 15))


@pytest.mark.parametrize(
    ("image", "reason"),
    [(person(1.0, -76), Reason.FACE_CUT_OFF), (person(1.0, 200), Reason.NOT_FACING)],
)
def test_a_face_that_is_lost_gives_a_hint(
    finder: FaceDetector, image: np.ndarray, reason: Reason
) -> None:
    """The guest is told why nothing is seen any more."""
    watch = GuestTracker(TrackingLimits(), finder)
    assert see(watch, [image] * 5)[-1].guest is not None
    lost = see(watch, [wall(1)] * 2, start=5 / FPS)[-1]
    assert lost.guest is None
    assert lost.obstacle is reason
