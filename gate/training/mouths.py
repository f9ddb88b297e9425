"""Mouths opened in a picture: a closed mouth becomes one that talks, by warping.

The lips are drawn apart at the line where they meet, the chin gives way, and what is between them
is dark, with or without a row of teeth. The corners stay where they are, as they do in talking and
not in smiling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from gate.core.domain import Box, Image

PLACE = (0.5, 0.79)
"""Middle of a mouth in units of the Haar box."""
SEARCHED = 0.04
"""How far above and below it the line between the lips, the darkest one, is looked for."""
ABOVE, BELOW = 0.1, 0.22
"""Heights above and below that line within which lips and chin give way."""
HALF_WIDTH = (0.09, 0.17)
HEIGHT = (0.04, 0.15)
"""Half the width, and the height, of an open mouth."""
DRAWN = (0.5, 0.8)
"""How far the corners of a smile are drawn in to make it none: by a third and more."""
TALL = 0.08
"""The least height of the mouth that is made of a smile."""
RISE = 0.25
"""Part of the height by which the upper lip rises; the lower one falls by the rest."""
TEETH = 0.6
"""How often there are teeth."""


def from_smile(gray: Image, box: Box, rng: Generator) -> Image:
    """Return a smiling face with its mouth drawn together and opened: the smile is gone from it."""
    return talking(drawn_in(gray, box, rng.uniform(*DRAWN)), box, rng, (TALL, HEIGHT[1]))


def drawn_in(gray: Image, box: Box, amount: float) -> Image:
    """Return the picture with the corners of the mouth drawn in and down; 0 leaves them."""
    height, width = gray.shape
    across, down = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    x = (across + 0.5 - box.x) / box.width - PLACE[0]
    y = (down + 0.5 - box.y) / box.height - PLACE[1]
    near = np.exp(-((y / 0.13) ** 4)) * np.clip((0.36 - np.abs(x)) / 0.12, 0.0, 1.0)
    columns = (x * (1.0 + amount * near) + PLACE[0]) * box.width + box.x - 0.5
    fallen = amount * 0.06 * near * np.clip(np.abs(x) / 0.2, 0.0, 1.0)
    rows = down - fallen * box.height
    return cv2.remap(  # type: ignore[return-value]  # uint8 in and out
        gray,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def talking(gray: Image, box: Box, rng: Generator, heights: tuple[float, float] = HEIGHT) -> Image:
    """Return the picture with the mouth opened by chance, as in talking, singing or a yawn."""
    half, tall = rng.uniform(*HALF_WIDTH), rng.uniform(*heights)
    line = lip_line(gray, box)
    height, width = gray.shape
    across = ((np.arange(width, dtype=np.float32) + 0.5 - box.x) / box.width - PLACE[0]) / half
    down = (np.arange(height, dtype=np.float32) + 0.5 - box.y) / box.height - line
    arch = np.sqrt(np.clip(1.0 - across * across, 0.0, 1.0))[None, :]
    upper, lower = -RISE * tall * arch, (1.0 - RISE) * tall * arch
    offset = np.broadcast_to(down[:, None], gray.shape)
    # from the lip's new place to where nothing gives way any more, stretched back to the line
    above = -ABOVE * (offset - upper) / (-ABOVE - upper)
    below = BELOW * (offset - lower) / (BELOW - lower)
    source = np.where(
        (offset < upper) & (offset > -ABOVE),
        above,
        np.where((offset > lower) & (offset < BELOW), below, offset),
    )
    rows = (source + line) * box.height + box.y - 0.5
    columns = np.broadcast_to(np.arange(width, dtype=np.float32)[None, :], gray.shape)
    opened = cv2.remap(
        gray,
        np.ascontiguousarray(columns),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inside = (offset >= upper) & (offset <= lower) & (arch > 0.0)
    skin = float(np.median(gray))
    filling = np.full(gray.shape, skin * rng.uniform(0.08, 0.4), np.float32)
    if rng.random() < TEETH:
        part = rng.uniform(0.2, 0.75)
        filling[offset < upper + part * (lower - upper)] = min(255.0, skin * rng.uniform(0.9, 1.5))
    if rng.random() < TEETH / 2:
        part = rng.uniform(0.1, 0.3)
        filling[offset > lower - part * (lower - upper)] = min(255.0, skin * rng.uniform(0.8, 1.3))
    soft = cv2.blur(inside.astype(np.float32), (3, 3))
    mixed = opened + (filling - opened) * soft
    result: Image = np.clip(mixed, 0, 255).astype(np.uint8)
    return result


def lip_line(gray: Image, box: Box) -> float:
    """Return the height of the line between the lips, in units of the box."""
    left, right = (round(box.x + (PLACE[0] + side) * box.width) for side in (-0.08, 0.08))
    top, bottom = (round(box.y + (PLACE[1] + side) * box.height) for side in (-SEARCHED, SEARCHED))
    band = gray[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if min(band.shape) < 3:
        return PLACE[1]
    darkest = int(np.argmin(band.mean(axis=1)))
    return (max(0, top) + darkest + 0.5 - box.y) / box.height
