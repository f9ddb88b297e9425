"""A clip of a real face without a camera: scikit-image's photo of an astronaut walks up and smiles.

The photo is NASA's portrait of Eileen Collins, in the public domain, as `skimage.data.astronaut`
ships it. She comes from afar with her mouth covered, smiles, and leaves; a second visitor (the
same photo, mirrored) smiles with sunglasses on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from gate.errors import GateError
from gate.hardware.picture_files import VideoFile
from gate.system.extras import install

if TYPE_CHECKING:
    from gate.core.domain import Image

FPS = 15
WIDTH, HEIGHT = 640, 480
FAR, NEAR = 0.45, 1.5
"""The photo's scale at the ends of the walk: its face is 95 px high, so 43 px and 142 px."""
FACE = (222, 115)
"""The face's centre in the photo, (x, y) in px."""
MOUTH = (190, 130), (255, 168)
"""The mouth in the photo: top left and bottom right, (x, y) in px."""
EYES = (202, 101), (245, 103)
"""The eyes in the photo, (x, y) in px."""
NOISE = 2.0
"""Standard deviation of the sensor's noise, in gray levels."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of the clip; the photo's scale goes from ``begin`` to ``end``, 0 for nobody."""

    name: str
    seconds: float
    begin: float = 0.0
    end: float = 0.0
    wears: Literal["mask", "sunglasses"] | None = None
    mirrored: bool = False


SCENES: tuple[Scene, ...] = (
    Scene("empty", 0.4),
    Scene("guest walks up", 1.0, FAR, NEAR, "mask"),
    Scene("mouth covered", 0.8, NEAR, NEAR, "mask"),
    Scene("guest smiles", 1.2, NEAR, NEAR),
    Scene("guest leaves", 0.4, NEAR, FAR),
    Scene("empty again", 1.2),
    Scene("visitor walks up", 0.6, FAR, NEAR, "sunglasses", mirrored=True),
    Scene("eyes covered", 1.2, NEAR, NEAR, "sunglasses", mirrored=True),
    Scene("visitor leaves", 0.4, NEAR, FAR, "sunglasses", mirrored=True),
    Scene("empty at the end", 1.0),
)


def render() -> Iterator[Image]:
    """The frames of the clip, (480, 640, 3) BGR at 15 frames a second; always the same ones."""
    photo, mask = _person()
    chance = np.random.default_rng(0)
    room = _room()
    moment = 0
    for scene in SCENES:
        frames = round(scene.seconds * FPS)
        for index in range(frames):
            part = index / max(frames - 1, 1)
            scale = scene.begin + part * (scene.end - scene.begin)
            frame = room.copy()
            if scale:
                sway = 3 * np.sin(moment / 5), 2 * np.sin(moment / 3)
                _paste(frame, _dressed(photo, scene), mask, scale, sway, mirrored=scene.mirrored)
            grain = chance.normal(0, NOISE, frame.shape)
            yield np.clip(frame + grain, 0, 255).astype(np.uint8)
            moment += 1


def write(path: Path) -> int:
    """Write the clip as a video; gives the number of frames. Raises `PictureError`."""
    count = 0
    with closing(VideoFile(path, FPS)) as video:
        for frame in render():
            video.write(frame)
            count += 1
    return count


def photo() -> Image:
    """The astronaut's photo, (512, 512, 3) BGR."""
    try:
        from skimage import data
    except ImportError:
        raise GateError(f"the demo's photo needs scikit-image: {install('demo')}") from None
    return np.asarray(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _person() -> tuple[Image, Image]:
    """The photo and a soft mask of head and shoulders, 0–255."""
    image = photo()
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, (222, 105), (78, 92), 0, 0, 360, (255,), -1)
    body = np.array([[150, 190], [300, 190], [440, 300], [440, 512], [0, 512], [0, 300]])
    cv2.fillPoly(mask, [body], (255,))
    return image, np.asarray(cv2.GaussianBlur(mask, (0, 0), 6), dtype=np.uint8)


def _room() -> Image:
    """A plain wall that is lit from above, with a darker floor."""
    rows = np.linspace(170, 95, HEIGHT)
    rows[int(HEIGHT * 0.85) :] -= 35
    wall = np.repeat(rows[:, None], WIDTH, axis=1)
    return np.asarray(np.stack([wall * 0.95, wall, wall * 1.02], axis=2), dtype=np.uint8)


def _dressed(photo: Image, scene: Scene) -> Image:
    dressed = photo.copy()
    if scene.wears == "mask":
        cv2.rectangle(dressed, *MOUTH, (168, 150, 140), -1)
    if scene.wears == "sunglasses":
        for eye in EYES:
            cv2.ellipse(dressed, eye, (16, 11), 0, 0, 360, (60, 60, 60), -1)
        cv2.line(dressed, *EYES, (60, 60, 60), 2)
    return dressed


def _paste(
    frame: Image,
    photo: Image,
    mask: Image,
    scale: float,
    sway: tuple[float, float],
    *,
    mirrored: bool,
) -> None:
    """Put the person into the frame, the face in its upper middle."""
    across, down = FACE[0], FACE[1]
    if mirrored:
        photo, mask = photo[:, ::-1], mask[:, ::-1]
        across = photo.shape[1] - 1 - across
    place = np.array(
        [
            [scale, 0, WIDTH / 2 + sway[0] - scale * across],
            [0, scale, HEIGHT * 0.42 + sway[1] - scale * down],
        ]
    )
    size = (WIDTH, HEIGHT)
    person = cv2.warpAffine(photo, place, size, flags=cv2.INTER_AREA)
    weight = cv2.warpAffine(mask, place, size)[:, :, None] / 255.0
    frame[:] = (person * weight + frame * (1 - weight)).astype(np.uint8)
