"""Pictures in the form that the detectors take: upright, gray, and only the part asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box

if TYPE_CHECKING:
    from gate.core.domain import Image


@dataclass(frozen=True, slots=True)
class Mounting:
    """Mounting of the camera: quarter turns clockwise that make its picture upright, then a mirror.

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

    An empty picture gives an empty (0, 0) array: there is nothing to see in it, and the gate must
    go on. Of an unknown number of channels the first is taken.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        return np.zeros((0, 0), np.uint8)
    if box is not None:
        part = inside(box, whole(image))
        image = image[part.y : part.y + part.height, part.x : part.x + part.width]
    if image.dtype != np.uint8:
        image = _as_bytes(image)
    image = plain(image)
    if image.ndim == 2 or image.size == 0:
        return image if image.ndim == 2 else np.zeros((0, 0), np.uint8)
    channels = image.shape[2]
    if channels == 1:
        return image[:, :, 0]
    if channels == 3:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if channels == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY), np.uint8)
    return np.ascontiguousarray(image[:, :, 0])


def shrunk(image: Image, size: tuple[int, int]) -> Image:
    """The picture at ``size`` (width, height), areas averaged: nothing aliases when it shrinks."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


class View:
    """An upright picture whose gray parts are made when asked for, and only once.

    The parts of the pipeline look at nearly the same place (the face and a little around it):
    `keep` makes that place gray, and every `gray` inside it is then a slice.
    """

    def __init__(self, image: Image) -> None:
        if image.ndim == 3 and image.shape[2] not in (1, 3, 4):
            image = image[:, :, 0]  # No known colours: its first channel is as good as any.
        self.image = image
        self.bounds = whole(image)
        self._kept: Image | None = None
        self._part = Box(0, 0, 0, 0)
        self._step = 1
        if image.ndim == 2 and image.dtype == np.uint8:
            self._kept, self._part = image, self.bounds

    def prepare(self, part: Box, step: int = 1) -> None:
        """Make ``part`` (clipped to the picture) gray, for all that lies in it.

        ``step`` halves (2), thirds … its resolution: a face that fills the frame has pixels to
        spare.
        """
        part = inside(part, self.bounds)
        if inside(part, self._part) == part:
            return
        self._step = 1
        if step == 1 or min(part.width, part.height) < 2 * step:
            self._kept, self._part = gray(self.image, part), part
            return
        rows = slice(part.y, part.y + part.height)
        thin = plain(self.image[rows, part.x : part.x + part.width])
        small = cv2.resize(
            thin,
            (part.width // step, part.height // step),
            interpolation=cv2.INTER_AREA if step == 2 else cv2.INTER_NEAREST,
        )
        self._kept, self._part, self._step = gray(np.asarray(small, np.uint8)), part, step

    def gray(self, part: Box) -> Image:
        """The gray pixels of ``part``, clipped to the picture; fewer where fewer were kept."""
        part = inside(part, self.bounds)
        if self._kept is None or inside(part, self._part) != part:
            return gray(self.image, part)
        step = self._step
        x, y = (part.x - self._part.x) // step, (part.y - self._part.y) // step
        return self._kept[y : y + max(1, part.height // step), x : x + max(1, part.width // step)]

    def patch(self, box: Box, margin: float) -> tuple[Image, Box]:
        """The gray pixels of the box with ``margin`` box widths around, and the box in them."""
        wide = around(box, margin)
        pixels = self.gray(wide)
        seen = inside(wide, self.bounds)
        step = max(1, round(seen.width / max(pixels.shape[1], 1)))
        left, top = (box.x - seen.x) // step, (box.y - seen.y) // step
        return pixels, Box(left, top, box.width // step, box.height // step)


def around(box: Box, margin: float) -> Box:
    """The box grown on every side by ``margin`` of its width."""
    more = round(margin * box.width)
    return Box(box.x - more, box.y - more, box.width + 2 * more, box.height + 2 * more)


def plain(image: Image) -> Image:
    """The picture with its pixels side by side, as OpenCV wants them; a copy only if need be."""
    beside = image.strides[-1] == image.itemsize and (
        image.ndim == 2 or image.strides[1] == image.itemsize * image.shape[2]
    )
    return image if beside and image.strides[0] > 0 else np.ascontiguousarray(image)


def _as_bytes(image: Image) -> Image:
    """Sixteen-bit and floating pictures (PNG, TIFF) brought to 8 bits by their type's range."""
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if np.issubdtype(image.dtype, np.floating):
        clean = np.nan_to_num(image, nan=0.0, posinf=1.0, neginf=0.0)
        return (np.clip(clean, 0.0, 1.0) * 255).astype(np.uint8)
    return np.clip(image, 0, 255).astype(np.uint8)
