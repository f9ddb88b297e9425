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
def detector() -> FaceDetector:
    return FaceDetector()


def person(scale: float, x: int, y: int = 20) -> np.ndarray:
    """The astronaut's head and shoulders on the wall, at (x, y)."""
    return placed(astronaut()[:300, 90:370], 480, 640, scale, x, y)


def wall(seed: int) -> np.ndarray:
    grain = np.random.default_rng(seed).integers(0, 6, (480, 640, 3))
    return (117 + grain).astype(np.uint8)


def see(
    tracker: GuestTracker, frames: Iterable[np.ndarray], start: float = 0.0
) -> list[TrackingResult]:
    """What the tracker says of each frame."""
    results = []
    for index, image in enumerate(frames):
        grain = np.random.default_rng(index).integers(0, 5, image.shape, dtype=np.uint8)
        view = View(np.clip(image.astype(int) + grain, 0, 255).astype(np.uint8))
        now = start + index / FPS
        results.append(tracker.track(view, motion.thumbnail(motion.sample(view.image)), now))
    return results


def test_a_guest_who_moves_stays_the_same_guest(detector: FaceDetector) -> None:
    """Walking about in front of the gate is one visit."""
    path = (person(1.0 + 0.02 * step, 150 + 4 * step) for step in range(25))
    results = see(GuestTracker(TrackingLimits(), detector), path)
    assert all(result.guest for result in results)
    assert {result.number for result in results} == {1}


def test_a_guest_is_found_within_the_time_that_is_set(detector: FaceDetector) -> None:
    """However long the gate was idle, a face is seen within `acquire_s`."""
    tracker = GuestTracker(TrackingLimits(acquire_s=0.5), detector)
    see(tracker, (wall(0) for _ in range(30)))
    results = see(tracker, (person(1.0, 200) for _ in range(9)), start=2.0)
    assert results[8].guest is not None


def test_an_empty_still_scene_is_not_searched(detector: FaceDetector) -> None:
    """Nothing moves: next to nothing is done."""
    tracker = GuestTracker(TrackingLimits(), detector)
    see(tracker, (wall(0) for _ in range(45)))
    assert tracker.work.idle >= 30


def test_the_next_guest_is_another_one(detector: FaceDetector) -> None:
    """Someone leaves, the place is empty for a while, someone comes: two visits."""
    tracker = GuestTracker(TrackingLimits(), detector)
    first = see(tracker, [person(1.0, 200)] * 6)[-1]
    see(tracker, (wall(0) for _ in range(30)), start=1.0)
    second = see(tracker, [person(1.0, 60)[:, ::-1]] * 12, start=3.0)[-1]
    assert first.number == 1
    assert second.number == 2


def test_a_second_face_of_similar_size_counts(detector: FaceDetector) -> None:
    """Two people at the gate are two."""
    both = person(1.0, 10)
    both[:, 320:] = person(1.0, 10)[:, :320]
    results = see(GuestTracker(TrackingLimits(), detector), [both] * 30)
    assert len(results[-1].others) == 1


def test_a_bystander_in_the_queue_does_not_count(detector: FaceDetector) -> None:
    """A face much smaller than the guest's is somebody who waits."""
    scene = person(1.8, 0)
    scene[:, 500:] = person(0.55, 0)[:, :140]
    results = see(GuestTracker(TrackingLimits(), detector), [scene] * 30)
    assert results[-1].guest is not None
    assert results[-1].guest.box.width > 120
    assert not any(result.others for result in results)


def test_who_steps_in_front_of_the_guest_becomes_the_guest(detector: FaceDetector) -> None:
    """A much larger face is another visit, and the guest before is one of those who stand by."""
    tracker = GuestTracker(TrackingLimits(similar=0.5), detector)
    small = wall(0)
    small[:, :200] = person(0.7, 0)[:, :200]
    first = see(tracker, [small] * 20)[-1]
    both = small.copy()
    both[:, 200:] = person(1.25, 200)[:, 200:]
    results = see(tracker, [both] * 40, start=20 / FPS)
    assert first.guest is not None
    (then,) = [result for result in results if result.number == 2][:1]
    assert then.guest is not None
    assert then.guest.width > 1.25 * first.guest.width
    assert [abs(box.x - first.guest.raw.x) < 10 for box in then.others] == [True]


def test_only_the_region_counts(detector: FaceDetector) -> None:
    """A face beside the lane is nobody's guest."""
    tracker = GuestTracker(TrackingLimits(region=(0.6, 0.0, 0.4, 1.0)), detector)
    assert not any(result.guest for result in see(tracker, [person(1.0, 30)] * 15))


@pytest.mark.parametrize(
    ("image", "reason"),
    [(person(1.0, -76), Reason.FACE_CUT_OFF), (person(1.0, 200), Reason.NOT_FACING)],
)
def test_a_face_that_is_lost_gives_a_hint(
    detector: FaceDetector, image: np.ndarray, reason: Reason
) -> None:
    """The guest is told why nothing is seen any more."""
    tracker = GuestTracker(TrackingLimits(), detector)
    assert see(tracker, [image] * 5)[-1].guest is not None
    lost = see(tracker, [wall(1)] * 2, start=5 / FPS)[-1]
    assert lost.guest is None
    assert lost.obstacle is reason
