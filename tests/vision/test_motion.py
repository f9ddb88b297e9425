"""What moves, and a camera in which nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from gate.core.domain import Box
from gate.vision import motion
from tests.seeing import astronaut, placed


def noisy(image: np.ndarray, seed: int, sigma: float = 3.0) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def thumb(image: np.ndarray) -> np.ndarray:
    return motion.thumbnail(motion.sample(image))


def test_noise_is_no_change_and_a_guest_is() -> None:
    """A still scene stays searched; a face of the smallest size makes it worth a search."""
    wall = np.full((480, 640, 3), 110, np.uint8)
    changes = motion.ChangeMap()
    assert changes.compare(thumb(noisy(wall, 0))).all()
    changes.mark_searched(thumb(noisy(wall, 0)))
    for seed in range(1, 20):
        assert not changes.compare(thumb(noisy(wall, seed))).any()
    guest = placed(astronaut(), 480, 640, 0.5, 200, 100)
    assert changes.compare(thumb(noisy(guest, 20))).any()


def test_a_slow_change_adds_up() -> None:
    """What creeps in below the limit of each frame is seen in the end."""
    wall = np.full((480, 640, 3), 110, np.uint8)
    changes = motion.ChangeMap()
    changes.compare(thumb(wall))
    changes.mark_searched(thumb(wall))
    seen = []
    for step in range(30):
        scene = wall.copy()
        scene[100:200, 100:200] += np.uint8(step)
        seen.append(changes.compare(thumb(scene)).any())
    assert not seen[0]
    assert seen[-1]


def test_a_lamp_that_changes_everything_alike_is_no_guest() -> None:
    """The exposure drifts all day; that is no reason to search."""
    wall = np.full((480, 640, 3), 110, np.uint8)
    changes = motion.ChangeMap()
    changes.compare(thumb(wall))
    changes.mark_searched(thumb(wall))
    assert not changes.compare(thumb(wall + np.uint8(30))).any()


def test_a_frozen_camera_is_told_from_a_still_scene() -> None:
    """Real sensors have noise: equal pictures are one picture."""
    wall = np.full((480, 640, 3), 110, np.uint8)
    camera = motion.FrozenCamera()
    for index in range(10):
        assert camera.same_for(noisy(wall, index), index / 10) == 0.0
    stuck = noisy(wall, 99)
    assert camera.same_for(stuck, 1.0) == 0.0
    assert camera.same_for(stuck.copy(), 3.5) == 2.5
    assert camera.same_for(noisy(wall, 100), 4.0) == 0.0


def test_an_empty_picture_does_not_stop_the_watch_on_the_camera() -> None:
    """A driver that hands over nothing hands over the same nothing."""
    camera = motion.FrozenCamera()
    camera.same_for(np.zeros((0, 0), np.uint8), 0.0)
    assert camera.same_for(np.zeros((0, 0), np.uint8), 2.0) == 2.0


@pytest.mark.parametrize("box", [Box(-50, -50, 900, 900), Box(600, 400, 100, 200)])
def test_clearing_reaches_over_the_edge(box: Box) -> None:
    """A guest at the frame's edge is taken out as far as the frame goes."""
    mask = np.ones((24, 32), bool)
    motion.clear(mask, box, (480, 640))
    assert not mask[-1, -1]
