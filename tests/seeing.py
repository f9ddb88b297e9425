"""What the tests of seeing share: one real photo, and a classifier that needs no model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.replay.demo_clip import photo
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Image

FACE = (177, 66, 95, 95)
"""The astronaut's Haar box in her 512×512 photo, px."""
EYES = (190, 88, 72, 26)
"""Where both her eyes are, px."""
MOUTH = (200, 125, 50, 28)


def astronaut() -> Image:
    """A real smiling face with open eyes (NASA, public domain): 512×512 BGR."""
    return photo()


def covered(image: Image, part: tuple[int, int, int, int], colour: int = 150) -> Image:
    """A copy with a rectangle painted over ``part``."""
    x, y, width, height = part
    copy = image.copy()
    cv2.rectangle(copy, (x, y), (x + width, y + height), (colour,) * 3, -1)
    return copy


def placed(image: Image, height: int, width: int, scale: float, x: int, y: int) -> Image:
    """A gray-walled scene of that size with the scaled photo at (x, y)."""
    scene = np.full((height, width, 3), 120, np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    photo = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + photo.shape[1], width), min(y + photo.shape[0], height)
    if right > left and bottom > top:
        scene[top:bottom, left:right] = photo[top - y : bottom - y, left - x : right - x]
    return scene


FRAMING = Framing(1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class FakeCard:
    """What the pipeline reads of a card."""

    framing: Framing = FRAMING
    threshold: float = 0.5


class FakeClassifier:
    """Calls a face smiling when the lower part of its crop has much contrast (teeth)."""

    card = FakeCard()
    size = (64, 64)

    def score(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """One number, 0–1, for each crop."""
        scores = [min(1.0, float(np.std(crop[40:60, 14:50])) / 64) for crop in crops]
        return np.array(scores, np.float32)
