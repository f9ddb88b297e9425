"""Things before a face that people wear, hold or stand behind, drawn into a gray picture.

Places are in units of the Haar box (0 is its left or top edge, 1 its right or bottom edge), as
measured on frontal faces: eyes near y = 0.38, mouth near y = 0.80.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gate.core.domain import Box, Image


class Kind(StrEnum):
    """Kinds of things before a face."""

    SUNGLASSES = "sunglasses"
    HAT = "hat"
    PATCH = "patch"
    """A small thing away from the mouth."""
    MASK = "mask"
    MOUTH = "mouth"
    """A hand, a cup, a microphone right before the mouth."""
    FACE = "face"
    """Nearly the whole face."""
    RIMS = "rims"
    """Glasses with dark rims."""
    BEARD = "beard"
    """Dark hair around the mouth, which stays in sight."""


MOUTH = (0.26, 0.15)
"""Half the width and height of what a beard leaves free around the mouth."""
HIDES_MOUTH = frozenset({Kind.MASK, Kind.MOUTH, Kind.FACE})
WEIGHTS = {
    Kind.SUNGLASSES: 0.16,
    Kind.HAT: 0.12,
    Kind.PATCH: 0.14,
    Kind.MASK: 0.14,
    Kind.MOUTH: 0.16,
    Kind.FACE: 0.08,
    Kind.RIMS: 0.12,
    Kind.BEARD: 0.08,
}


def draw(gray: Image, box: Box, rng: Generator, kind: Kind | None = None) -> tuple[Image, bool]:
    """Return a copy with ``kind`` (a random one by default), and whether the mouth is seen."""
    if kind is None:
        kind = list(WEIGHTS)[rng.choice(len(WEIGHTS), p=list(WEIGHTS.values()))]
    mask = np.zeros(gray.shape, np.uint8)
    painter = _Painter(mask, box)
    shift = rng.normal(0.0, 0.015, 2)
    match kind:
        case Kind.SUNGLASSES:
            y, half = 0.385 + shift[1], rng.uniform(0.12, 0.17)
            tall = half * rng.uniform(0.6, 0.95)
            for x in (0.31, 0.69):
                painter.ellipse(x + shift[0], y, half, tall)
            painter.rectangle(0.31, y - 0.03, 0.69, y - 0.005)
        case Kind.HAT:
            painter.rectangle(-0.5, -0.5, 1.5, rng.uniform(0.08, 0.27))
        case Kind.PATCH:
            painter.ellipse(
                rng.uniform(0.05, 0.95), rng.uniform(0.0, 0.5), *rng.uniform(0.05, 0.14, 2)
            )
        case Kind.MASK:
            top = rng.uniform(0.52, 0.66)
            painter.ellipse(0.5 + shift[0], top + 0.3, rng.uniform(0.36, 0.6), 0.33)
            painter.rectangle(0.12, top + 0.12, 0.88, 1.2)
        case Kind.MOUTH:
            if rng.random() < 0.5:
                half, tall = rng.uniform(0.24, 0.4), rng.uniform(0.14, 0.25)
                y = 0.8 + shift[1]
                painter.rectangle(0.5 - half, y - tall, 0.5 + half, y + tall)
            else:
                painter.ellipse(
                    0.5 + shift[0],
                    0.8 + shift[1],
                    rng.uniform(0.3, 0.45),
                    rng.uniform(0.18, 0.28),
                )
        case Kind.RIMS:
            y, half = 0.385 + shift[1], rng.uniform(0.12, 0.17)
            tall, thick = half * rng.uniform(0.6, 0.95), rng.uniform(0.015, 0.045)
            for x in (0.31, 0.69):
                painter.ellipse(x + shift[0], y, half, tall, thick)
            painter.rectangle(0.31 + half, y - 0.03, 0.69 - half, y - 0.03 + thick)
        case Kind.BEARD:
            painter.ellipse(0.5 + shift[0], 0.8 + shift[1], rng.uniform(0.3, 0.42), 0.3)
            painter.clear(0.5, 0.8, *MOUTH)
            painter.clear(0.5, 0.45, 0.5, 0.2)
        case Kind.FACE:
            painter.rectangle(-0.5, rng.uniform(-0.1, 0.3), 1.5, 1.5)
    dark = kind in (Kind.SUNGLASSES, Kind.RIMS, Kind.BEARD)
    return _fill(gray, mask, rng, dark=dark), kind not in HIDES_MOUTH


class _Painter:
    """Draws into a mask in units of a Haar box."""

    def __init__(self, mask: Image, box: Box) -> None:
        self._mask, self._box = mask, box

    def _point(self, x: float, y: float) -> tuple[int, int]:
        return (
            round(self._box.x + x * self._box.width),
            round(self._box.y + y * self._box.height),
        )

    def rectangle(self, left: float, top: float, right: float, bottom: float) -> None:
        cv2.rectangle(
            self._mask, self._point(left, top), self._point(right, bottom), (255,), cv2.FILLED
        )

    def ellipse(
        self, x: float, y: float, half_width: float, half_height: float, line: float = 0.0
    ) -> None:
        """Fill an ellipse, or draw its outline of a ``line`` this thick."""
        thick = max(1, round(line * self._box.width)) if line else cv2.FILLED
        axes = self._axes(half_width, half_height)
        cv2.ellipse(self._mask, self._point(x, y), axes, 0, 0, 360, (255,), thick)

    def clear(self, x: float, y: float, half_width: float, half_height: float) -> None:
        """Leave an ellipse free."""
        axes = self._axes(half_width, half_height)
        cv2.ellipse(self._mask, self._point(x, y), axes, 0, 0, 360, (0,), cv2.FILLED)

    def _axes(self, half_width: float, half_height: float) -> tuple[int, int]:
        return (
            max(1, round(half_width * self._box.width)),
            max(1, round(half_height * self._box.height)),
        )


def _fill(gray: Image, mask: Image, rng: Generator, *, dark: bool) -> Image:
    """Return the picture with something plain, shaded, skin-like or patterned where the mask is."""
    height, width = gray.shape
    kind = rng.integers(0, 4)
    filling: NDArray[np.float32]
    if dark:
        filling = np.full(gray.shape, gray.mean() * rng.uniform(0.05, 0.5), np.float32)
    elif kind == 0:  # cloth or cardboard
        filling = np.full(gray.shape, rng.uniform(0.0, 255.0), np.float32)
    elif kind == 1:  # a hand: as bright as the face, shaded across
        shade = np.linspace(rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.3), width)[None, :]
        filling = np.repeat(np.median(gray) * shade, height, axis=0).astype(np.float32)
    elif kind == 2:  # folds and prints
        grain = int(rng.integers(2, 9))
        coarse = rng.uniform(0.0, 255.0, (grain, grain)).astype(np.float32)
        filling = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]  # float32 in and out
    else:  # skin or hair from elsewhere in the picture, turned upside down
        rolled = np.roll(gray[::-1, ::-1], int(rng.integers(0, width)), axis=1)
        filling = cv2.GaussianBlur(rolled, (0, 0), width / 12).astype(np.float32)
    soft = cv2.blur(mask, (3, 3)).astype(np.float32) / 255.0
    covered: Image = np.clip(gray + (filling - gray) * soft, 0, 255).astype(np.uint8)
    return covered
