"""The scenes that are measured: a lobby with a real person in it, or a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.errors import CameraError, EndOfClip
from gate.hardware.camera import CameraRequest, open_source
from gate.replay import demo_clip

if TYPE_CHECKING:
    from gate.core.domain import Image

FRAMES = 64
NOISE = 2.5
"""Standard deviation of the sensor's noise, gray levels."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A person in the scene: face height and centre, as fractions of the frame's sides."""

    height: float
    x: float = 0.5


SCENES: dict[str, tuple[tuple[int, int], tuple[Guest, ...]]] = {
    "empty scene": ((640, 480), ()),
    "guest far": ((640, 480), (Guest(0.12),)),
    "guest at the gate": ((640, 480), (Guest(0.35),)),
    "guest near": ((640, 480), (Guest(0.6),)),
    "two guests": ((640, 480), (Guest(0.35, 0.3), Guest(0.3, 0.72))),
    "guest, 1280×720": ((1280, 720), (Guest(0.35),)),
}
"""One scene: frame size, and the people in the frame."""


def render(name: str, size: tuple[int, int] | None = None) -> list[Image]:
    """The frames of one of `SCENES`: a busy wall, swaying people, a noisy camera.

    ``size`` (width, height) is asked for instead of the scene's own.
    """
    own, guests = SCENES[name]
    width, height = size or own
    chance = np.random.default_rng(5)
    wall = _wall(width, height)
    photo = demo_clip.photo()
    grain = chance.normal(0, NOISE, (height + 64, width + 64, 3)).astype(np.float32)
    frames = []
    for index in range(FRAMES):
        frame = wall.copy()
        for guest in guests:
            _stand(frame, photo, guest, index)
        y, x = chance.integers(0, 64, 2)
        noisy = frame + grain[y : y + height, x : x + width]
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def clip(path: Path, size: tuple[int, int] = (640, 480), limit: int = 300) -> list[Image]:
    """Frames of a clip, fitted into ``size`` (width, height) on gray."""
    source = open_source(str(path.resolve()), CameraRequest())
    frames: list[Image] = []
    try:
        while len(frames) < limit:
            image = source.read()
            factor = min(size[0] / image.shape[1], size[1] / image.shape[0])
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            frame = np.full((size[1], size[0], 3), 128, np.uint8)
            top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
            frame[top : top + small.shape[0], left : left + small.shape[1]] = small
            frames.append(frame)
    except EndOfClip:
        pass
    finally:
        source.close()
    if not frames:
        raise CameraError(f"{path}: has no frames")
    return frames


def _wall(width: int, height: int) -> Image:
    """A background without faces: clutter of all sizes, the small ones fainter, as in photos.

    How much fainter is chosen so that the naive loop has the work of a photo (a coffee table).
    """
    chance = np.random.default_rng(3)
    wall = np.zeros((height, width, 3), np.float32)
    cells = 3
    while cells < height:
        shape = cells, cells * width // height
        gray, colour = chance.normal(0, 1, (*shape, 1)), chance.normal(0, 0.3, (*shape, 3))
        fields = (cells**-0.8 * (gray + colour)).astype(np.float32)
        wall += cv2.resize(fields, (width, height), interpolation=cv2.INTER_NEAREST)
        cells *= 2
    wall -= wall.mean()
    return np.asarray(np.clip(115 + 45 * wall / wall.std(), 0, 255), np.uint8)


def _stand(frame: Image, photo: Image, guest: Guest, index: int) -> None:
    """Put the person into the frame."""
    height, width = frame.shape[:2]
    face = demo_clip.FACE
    factor = guest.height * height / 95.0
    person = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    outline = cv2.resize(_outline(), (person.shape[1], person.shape[0]))[..., None] / 255
    sway = (2.0 * np.sin(index / 5), 1.5 * np.sin(index / 3))
    left = round(guest.x * width + sway[0] - factor * face[0])
    top = round(0.42 * height + sway[1] - factor * face[1])
    x, y = max(left, 0), max(top, 0)
    inside = np.s_[y - top : y - top + height - y, x - left : x - left + width - x]
    part, share = person[inside], outline[inside]
    behind = frame[y : y + part.shape[0], x : x + part.shape[1]]
    behind[:] = (part * share + behind * (1 - share)).astype(np.uint8)


def _outline() -> Image:
    """A soft mask of head and shoulders in the photo, 0–255."""
    mask = np.zeros((512, 512), np.uint8)
    cv2.ellipse(mask, (222, 105), (78, 92), 0, 0, 360, (255,), -1)
    body = np.array([[150, 190], [300, 190], [440, 300], [440, 512], [0, 512], [0, 300]])
    cv2.fillPoly(mask, [body], (255,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 6), np.uint8)
