"""Still pictures held in front of the camera, as people try it: rendered frame by frame.

A still is printed on a sheet (or shown on a screen), the sheet is moved by a hand in three
dimensions, and a camera with motion blur, noise and its own light takes 15 pictures a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Image

FPS = 15
WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the sheet is: its centre (fractions of the frame), its height, and how it leans."""

    x: float = 0.5
    y: float = 0.5
    height: float = 0.9
    roll: float = 0.0
    """Degrees in the picture's plane."""
    yaw: float = 0.0
    pitch: float = 0.0
    """Degrees out of it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is taken besides the sheet: wall, light, noise."""

    wall: Image
    gain: float
    noise: float
    seed: int


Motion = Callable[[float], Pose]


def scene(seed: int) -> Scene:
    """A wall with some structure, and light and noise that differ from seed to seed."""
    chance = np.random.default_rng(seed)
    rough = chance.integers(60, 190, (6, 8, 3)).astype(np.uint8)
    wall = np.asarray(cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    return Scene(wall, float(chance.uniform(0.6, 1.15)), float(chance.uniform(1.0, 5.0)), seed)


def steady(seed: int) -> Motion:
    """Held as still as a hand can."""
    pose, tremble = _start(seed), _tremble(seed, 0.003)
    return lambda t: _plus(pose, tremble(t))


def shaken(seed: int) -> Motion:
    """Shaken from side to side and up and down, then held still, again and again."""
    chance = np.random.default_rng(seed)
    pose, tremble = _start(seed), _tremble(seed, 0.004)
    reach, pace = chance.uniform(0.02, 0.10), chance.uniform(1.0, 4.0)

    def move(t: float) -> Pose:
        on = 1.0 if (t % 1.6) < 1.0 else 0.0
        x = on * reach * np.sin(2 * np.pi * pace * t)
        y = on * 0.6 * reach * np.sin(2 * np.pi * 1.3 * pace * t + 1)
        return _plus(pose, tremble(t), Pose(x, y, 0.0))

    return move


def tilted(seed: int) -> Motion:
    """Turned slowly in the plane and out of it, as people do to make a photo seem alive."""
    chance = np.random.default_rng(seed)
    pose, tremble = _start(seed), _tremble(seed, 0.003)
    roll, yaw, pitch = chance.uniform(4, 22), chance.uniform(10, 50), chance.uniform(5, 40)
    pace = chance.uniform(0.2, 0.8)

    def move(t: float) -> Pose:
        turn = 2 * np.pi * pace * t
        lean = Pose(
            0, 0, 0, roll * np.sin(turn), yaw * np.sin(0.7 * turn + 1), pitch * np.sin(1.2 * turn)
        )
        return _plus(pose, tremble(t), lean)

    return move


def zoomed(seed: int) -> Motion:
    """Brought from far to near, and back."""
    chance = np.random.default_rng(seed)
    pose, tremble = _start(seed), _tremble(seed, 0.003)
    far, near = chance.uniform(0.25, 0.45), chance.uniform(0.9, 1.6)
    pace = chance.uniform(0.25, 0.7)

    def move(t: float) -> Pose:
        share = 0.5 - 0.5 * np.cos(2 * np.pi * pace * t)
        grown = Pose(0, 0, (far + share * (near - far)) - pose.height)
        return _plus(pose, tremble(t), grown)

    return move


def frames(still: Image, motion: Motion, place: Scene, seconds: float) -> Iterator[Image]:
    """The sheet with ``still`` on it, moved by ``motion``: (HEIGHT, WIDTH, 3) BGR at `FPS`."""
    yield from _take(lambda _t: _print(still), motion, place, seconds)


def screen(still: Image, motion: Motion, place: Scene, seconds: float) -> Iterator[Image]:
    """The still on a screen: its rows beat with the camera's (moiré), a lamp glares on it."""
    chance = np.random.default_rng(place.seed)
    height, width = still.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves, strength = chance.uniform(20, 90), chance.uniform(4, 18)
    angle, radius = chance.uniform(0, np.pi), chance.uniform(0.05, 0.2) * width

    def lit(t: float) -> Image:
        phase = 2 * np.pi * (waves * (x * np.cos(angle) + y * np.sin(angle)) / width + 0.7 * t)
        picture = still.astype(np.float32) + strength * np.sin(phase)[..., None]
        at = (0.3 + 0.3 * np.sin(0.9 * t)) * width, (0.3 + 0.2 * np.cos(0.7 * t)) * height
        spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * radius**2))
        picture = 0.9 * picture + 15 + 150 * spot[..., None]
        return _framed(np.clip(picture, 0, 255).astype(np.uint8), 12)

    yield from _take(lit, motion, place, seconds)


def swapped(
    before: Image, after: Image, motion: Motion, place: Scene, seconds: float, slide: bool
) -> Iterator[Image]:
    """A neutral print, and then the smiling one: dropped off it at once, or slid over it."""
    first, second = _print(before), _print(after)

    def sheet(t: float) -> Image:
        share = min(1.0, max(0.0, (t - seconds / 2) / 0.4)) if slide else float(t > seconds / 2)
        if share in (0.0, 1.0):
            return second if share else first
        copy = first.copy()
        cut = max(1, int(share * copy.shape[1]))
        copy[:, :cut] = second[:, -cut:]
        return copy

    yield from _take(sheet, motion, place, seconds)


def _take(
    sheet: Callable[[float], Image], motion: Motion, place: Scene, seconds: float
) -> Iterator[Image]:
    """What the camera makes of the sheet."""
    chance = np.random.default_rng(place.seed + 1)
    grain = chance.normal(0, place.noise, (HEIGHT, WIDTH, 3)).astype(np.float32)
    for index in range(round(seconds * FPS)):
        t = index / FPS
        picture = sheet(t)
        open_for = 0.02
        exposures = [_laid(picture, motion(t + share * open_for), place) for share in (0, 1)]
        frame = (exposures[0] + exposures[1]) * (place.gain / 2)
        frame += np.roll(grain, chance.integers(0, grain.size))
        yield np.clip(frame, 0, 255).astype(np.uint8)


def _laid(picture: Image, pose: Pose, place: Scene) -> NDArray[np.float32]:
    """The sheet in its pose in front of the wall."""
    height, width = picture.shape[:2]
    scale = pose.height * HEIGHT / height
    corners = np.array(
        [[-width, -height, 0], [width, -height, 0], [width, height, 0], [-width, height, 0]]
    )
    corners = corners * (scale / 2)
    roll, yaw, pitch = np.radians([pose.roll, pose.yaw, pose.pitch])
    about_z = _turn(roll, 0, 1)
    about_y = _turn(yaw, 0, 2)
    about_x = _turn(pitch, 1, 2)
    corners = corners @ (about_x @ about_y @ about_z).T
    distance = 2.2 * HEIGHT
    flat = corners[:, :2] * (distance / (distance + corners[:, 2:]))
    flat += [pose.x * WIDTH, pose.y * HEIGHT]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(source, flat.astype(np.float32))
    out = place.wall.copy()
    cv2.warpPerspective(picture, warp, (WIDTH, HEIGHT), dst=out, borderMode=cv2.BORDER_TRANSPARENT)
    return out.astype(np.float32)


def _turn(angle: float, first: int, second: int) -> NDArray[np.float64]:
    """A rotation by ``angle`` (radians) in the plane of two axes."""
    turn = np.eye(3)
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn


def _start(seed: int) -> Pose:
    """Where the hand holds the sheet."""
    chance = np.random.default_rng(seed + 7)
    return Pose(
        chance.uniform(0.42, 0.58),
        chance.uniform(0.45, 0.6),
        chance.uniform(0.7, 1.2),
        chance.uniform(-5, 5),
        chance.uniform(-10, 10),
        chance.uniform(-8, 8),
    )


def _tremble(seed: int, amount: float) -> Motion:
    """A hand's tremor: three slow waves."""
    chance = np.random.default_rng(seed + 3)
    phase, pace = chance.uniform(0, 6, 6), chance.uniform(2, 9, 6)

    def move(t: float) -> Pose:
        wave = np.sin(phase + pace * t) * amount
        return Pose(wave[0], wave[1], wave[2], 150 * wave[3], 200 * wave[4], 200 * wave[5])

    return move


def _plus(*poses: Pose) -> Pose:
    """Poses added up."""
    return Pose(
        sum(pose.x for pose in poses),
        sum(pose.y for pose in poses),
        sum(pose.height for pose in poses),
        sum(pose.roll for pose in poses),
        sum(pose.yaw for pose in poses),
        sum(pose.pitch for pose in poses),
    )


def _print(still: Image) -> Image:
    """The still on paper: a white border, a little less contrast."""
    pale = (still.astype(np.float32) * 0.85 + 25).astype(np.uint8)
    return _framed(pale, 235)


def _framed(picture: Image, level: int) -> Image:
    """A border of one gray level around the picture."""
    edge = round(0.05 * picture.shape[0])
    return np.asarray(
        cv2.copyMakeBorder(
            picture, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(level, level, level)
        ),
        np.uint8,
    )
