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
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if channels == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY), np.uint8)
    return np.zeros((0, 0), np.uint8)


def shrunk(image: Image, size: tuple[int, int]) -> Image:
    """The picture at ``size`` (width, height), areas averaged: nothing aliases when it shrinks."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


class View:
    """An upright picture whose gray parts are made when asked for, and only once.

    The parts of the pipeline look at nearly the same place (the face and a little around it):
    `keep` makes that place gray, and every `gray` inside it is then a slice.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self.bounds = whole(image)
        self._kept: Image | None = None
        self._part = Box(0, 0, 0, 0)
        if image.ndim == 2 and image.dtype == np.uint8:
            self._kept, self._part = image, self.bounds

    def keep(self, part: Box) -> None:
        """Make ``part`` (clipped to the picture) gray, for all that lies in it."""
        part = inside(part, self.bounds)
        if inside(part, self._part) != part:
            self._kept, self._part = gray(self.image, part), part

    def gray(self, part: Box) -> Image:
        """The gray pixels of ``part``, clipped to the picture."""
        part = inside(part, self.bounds)
        if self._kept is None or inside(part, self._part) != part:
            return gray(self.image, part)
        x, y = part.x - self._part.x, part.y - self._part.y
        return self._kept[y : y + part.height, x : x + part.width]


def around(box: Box, margin: float) -> Box:
    """The box grown on every side by ``margin`` of its width."""
    more = round(margin * box.width)
    return Box(box.x - more, box.y - more, box.width + 2 * more, box.height + 2 * more)


def _as_bytes(image: Image) -> Image:
    """Sixteen-bit and floating pictures (PNG, TIFF) brought to 8 bits by their type's range."""
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if np.issubdtype(image.dtype, np.floating):
        clean = np.nan_to_num(image, nan=0.0, posinf=1.0, neginf=0.0)
        return (np.clip(clean, 0.0, 1.0) * 255).astype(np.uint8)
    return np.clip(image, 0, 255).astype(np.uint8)
