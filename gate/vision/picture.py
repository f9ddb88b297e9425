"""Any decodable picture as one the detectors take: upright, gray, and only the part asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.domain import Box

if TYPE_CHECKING:
    from gate.domain import Image


@dataclass(frozen=True, slots=True)
class Mounting:
    """How the camera hangs: quarter turns clockwise that make its picture upright, then a mirror.

    The picture is turned as a view, without copying a pixel; only the parts that are looked at
    are ever copied.
    """

    rotate: int = 0
    """Degrees clockwise: 0, 90, 180 or 270."""
    mirror: bool = False

    def upright(self, image: Image) -> Image:
        """The picture as a person standing at the gate would see it; a view, not a copy."""
        if self.rotate:
            image = np.rot90(image, -(self.rotate // 90) % 4)
        return image[:, ::-1] if self.mirror else image


def whole(image: Image) -> Box:
    """The box of the whole picture."""
    return Box(0, 0, image.shape[1], image.shape[0])


def inside(box: Box, bounds: Box) -> Box:
    """The part of ``box`` that lies in ``bounds``; its sides may be 0, never negative."""
    left, top = max(box.x, bounds.x), max(box.y, bounds.y)
    right = min(box.x + box.width, bounds.x + bounds.width)
    bottom = min(box.y + box.height, bounds.y + bounds.height)
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def gray(image: Image, box: Box | None = None) -> Image:
    """A (height, width) gray copy of ``box`` (clipped to the picture) of a gray, BGR or BGRA one.

    An empty picture or an unknown number of channels gives an empty (0, 0) array: there is
    nothing to see in it, and the gate must go on.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        return np.zeros((0, 0), np.uint8)
    if box is not None:
        part = inside(box, whole(image))
        image = image[part.y : part.y + part.height, part.x : part.x + part.width]
    if image.dtype != np.uint8:
        image = _as_bytes(image)
    image = np.ascontiguousarray(image)
    if image.ndim == 2 or image.size == 0:
        return image if image.ndim == 2 else np.zeros((0, 0), np.uint8)
    channels = image.shape[2]
    if channels == 1:
        return image[:, :, 0]
    if channels == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if channels == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    return np.zeros((0, 0), np.uint8)


def _as_bytes(image: Image) -> Image:
    """Sixteen-bit and floating pictures (PNG, TIFF) brought to 8 bits by their type's range."""
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if np.issubdtype(image.dtype, np.floating):
        clean = np.nan_to_num(image, nan=0.0, posinf=1.0, neginf=0.0)
        return (np.clip(clean, 0.0, 1.0) * 255).astype(np.uint8)
    return np.clip(image, 0, 255).astype(np.uint8)
