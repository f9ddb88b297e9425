"""Random variations of labelled pictures, as a camera at a queue would have taken them.

A picture is an (h, w) gray or (h, w, 3) BGR uint8 array with the face's Haar box inside it (the
box may reach beyond the edge). Everything is drawn from one `numpy` generator, so the same seed
gives the same pictures. Kinds and strengths follow what varies at a gate: the guest's distance
and head angle, light from backlit to glaring, white balance, motion, sensor noise, a compressed
stream, and what people wear or hold before their face.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.training import mouths, occlusion
from gate.vision.framing import cut
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from numpy.random import Generator

    from gate.core.domain import Image
    from gate.training.plan import Strength

GRAY = np.array([0.114, 0.587, 0.299])
"""Weights of blue, green, red in a gray picture (ITU-R BT.601), which OpenCV uses."""


def vary(
    image: Image,
    box: Box,
    label: float,
    framing: Framing,
    size: tuple[int, int],
    rng: Generator,
    strength: Strength,
) -> tuple[Image, float]:
    """Return a random variation of the face as a crop of ``size``, and its label.

    The label becomes 0 where the mouth was covered, for a smile that can't be seen is none, and
    where a smile was made to talk.
    """
    calm = rng.random() < strength.calm
    if not calm and image.ndim == 3 and rng.random() < strength.glare:
        image = glaring(image, rng)
    gray = colour_cast(image, rng) if image.ndim == 3 else image
    if not calm:
        if label < 0.5 and rng.random() < strength.talk:
            gray = mouths.talking(gray, box, rng)
        elif label >= 0.5 and rng.random() < strength.talk / 2:
            gray, label = mouths.from_smile(gray, box, rng), 0.0
        if rng.random() < strength.occlusion:
            gray, seen = occlusion.draw(gray, box, rng)
            label = label if seen else 0.0
        gray = cast_light(gray, box, rng, strength.tone)
    gray, placed = turn(gray, box, rng, strength)
    jittered = Framing(
        scale=framing.scale * math.exp(rng.normal(0.0, strength.scale)),
        shift_x=framing.shift_x + rng.normal(0.0, strength.shift),
        shift_y=framing.shift_y + rng.normal(0.0, strength.shift),
    )
    crop = cut(gray, placed, jittered, size)
    if calm:
        return crop, label
    if rng.random() < 0.5:
        crop = far_away(crop, framing, rng, strength.smallest)
    return sense(crop, rng, strength.sensor), label


def colour_cast(image: Image, rng: Generator) -> Image:
    """Return the gray of a BGR picture under light of another colour temperature."""
    weights = GRAY * np.exp(rng.normal(0.0, 0.25, 3))
    return cv2.transform(image, (weights / weights.sum())[None])  # type: ignore[return-value]  # uint8 in, uint8 out


def glaring(image: Image, rng: Generator) -> Image:
    """Return a BGR picture overexposed as a sensor does it: each colour is cut off by itself."""
    return cv2.convertScaleAbs(image, alpha=rng.uniform(1.2, 3.0))  # type: ignore[return-value]  # saturates to uint8


def cast_light(gray: Image, box: Box, rng: Generator, tone: float) -> Image:
    """Return the picture under other light: gamma, contrast, a lamp to one side, clipping."""
    table = np.linspace(0.0, 1.0, 256)
    table = table ** math.exp(float(np.clip(rng.normal(0.0, 0.4 * tone), -1.2, 1.2)))
    kind = rng.random()
    if kind < 0.3:  # flat or backlit: little contrast, anywhere on the scale
        contrast = math.exp(rng.uniform(math.log(0.12), math.log(0.8)))
        table = table * contrast + rng.uniform(0.0, 1.0 - contrast)
    elif kind < 0.45:  # hard light or too dark: an end of the scale is cut off
        table = table * rng.uniform(1.0, 2.0) - rng.uniform(0.0, 0.35)
    elif kind < 0.75 and tone > 0.0:  # overexposed: the brightest skin is all one white
        table = table * rng.uniform(1.2, 3.0)
    curve = np.clip(table * 255.0, 0, 255)
    if rng.random() > 0.4 * tone:
        return cv2.LUT(gray, curve.astype(np.uint8))  # type: ignore[return-value]  # table of uint8
    height, width = gray.shape
    angle, depth = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(0.2, 0.9)
    across = (np.arange(width) - box.x - box.width / 2) / box.width * math.cos(angle)
    down = (np.arange(height) - box.y - box.height / 2) / box.height * math.sin(angle)
    light = 1.0 + depth * np.clip((across[None, :] + down[:, None]) * 2.0, -1.0, 1.0)
    lit = cv2.LUT(gray, curve.astype(np.float32)) * light.astype(np.float32)
    return cv2.convertScaleAbs(lit)  # type: ignore[return-value]  # saturates to uint8


def turn(gray: Image, box: Box, rng: Generator, strength: Strength) -> tuple[Image, Box]:
    """Return the picture turned about the face, mirrored half the time, and the box in it."""
    centre = (box.x + box.width / 2, box.y + box.height / 2)
    angle = float(np.clip(rng.normal(0.0, strength.rotation), -30.0, 30.0))
    matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
    stretch = math.exp(rng.normal(0.0, strength.stretch))
    if rng.random() < 0.5:
        stretch = -stretch
    matrix[0] *= stretch
    matrix[0, 2] += centre[0] * (1.0 - stretch)
    height, width = gray.shape
    turned = cv2.warpAffine(
        gray, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return turned, box  # type: ignore[return-value]  # uint8 in, uint8 out


def far_away(crop: Image, framing: Framing, rng: Generator, smallest: float) -> Image:
    """Return the crop as of a face so far away that its Haar box has few pixels."""
    height, width = crop.shape
    least = smallest * framing.scale / width
    share = math.exp(rng.uniform(math.log(least), 0.0))
    few = cv2.resize(
        crop,
        (max(4, round(width * share)), max(4, round(height * share))),
        interpolation=cv2.INTER_AREA,
    )
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]  # uint8 in, uint8 out


def sense(crop: Image, rng: Generator, often: float) -> Image:
    """Return the crop with motion blur, defocus, noise and compression, each some of the time."""
    if rng.random() < 0.15 * often:
        crop = motion_blur(crop, rng.uniform(2.0, 7.0), rng.uniform(0.0, math.pi))
    if rng.random() < 0.2 * often:
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.8))  # type: ignore[assignment]  # uint8 in, uint8 out
    if rng.random() < 0.4 * often:
        sigma = float(crop.std()) * math.exp(rng.uniform(math.log(0.03), math.log(0.4)))
        noise = rng.standard_normal(crop.shape, dtype=np.float32) * sigma
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25 * often:
        crop = compress(crop, int(rng.integers(15, 85)))
    return crop


def motion_blur(image: Image, length: float, angle: float) -> Image:
    """Return the picture smeared over ``length`` pixels along ``angle`` (radians)."""
    side = 2 * math.ceil(length / 2) + 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    for along in np.linspace(-length / 2, length / 2, 2 * side):
        x, y = round(middle + along * math.cos(angle)), round(middle + along * math.sin(angle))
        kernel[y, x] += 1.0
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]  # uint8 in, uint8 out


def compress(image: Image, quality: int) -> Image:
    """Return the picture after JPEG of ``quality`` (1–100)."""
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)  # type: ignore[return-value]  # uint8 by the format
