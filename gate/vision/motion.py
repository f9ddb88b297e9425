"""Whether anything changed: a thumbnail of the frame, compared block by block.

Everything here costs tens of microseconds: it looks at one pixel in sixteen of one channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Box, Image

ROWS, COLUMNS = 24, 32
"""Blocks that the frame is divided into: 20×20 px of 640×480, less than half the smallest face."""
SAMPLES = 120
"""Rows of pixels that are read for the thumbnail; five samples a block and side average noise."""
QUIETEST, LOUDEST = 3.0, 14.0
"""Gray levels: the change that counts is never taken below or above these."""
NOISES = 6.0
"""The change that counts, in standard deviations of what a block does in a still scene."""
NOISE_PER_STEP = 1.05
"""A block's standard deviation, per median step from frame to frame: 1 / (0.6745 · √2) = 1.048.

In a still scene a step is the difference of two values that vary independently, each by σ, so it
varies by √2 · σ; and half of what is normally distributed lies within 0.6745 standard deviations
of its mean, so the median of the steps' sizes is 0.6745 · √2 · σ.
"""


def sample(image: Image) -> Image:
    """About 160×120 pixels of the picture (green of a colour one), for `thumbnail` and hashing."""
    step = max(1, image.shape[0] // SAMPLES)
    thin = image[::step, ::step]
    if thin.ndim == 3:
        thin = thin[:, :, min(1, thin.shape[2] - 1)]
    return np.ascontiguousarray(thin)


def thumbnail(sampled: Image) -> NDArray[np.float32]:
    """Mean gray level of each of `ROWS` × `COLUMNS` blocks."""
    return cv2.resize(sampled, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)


class ChangeMap:
    """Tells which blocks differ from the last scene that was searched and found empty.

    The comparison is with that scene, not with the frame before: a slow change adds up until it
    counts. The sensor's noise is learnt from successive frames, and what all blocks do at once
    (the exposure drifting, a lamp flickering) is taken out.
    """

    def __init__(self) -> None:
        self._searched: NDArray[np.float32] | None = None
        self._before: NDArray[np.float32] | None = None
        self._noise = QUIETEST / NOISES

    def compare(self, thumb: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Blocks (rows, columns) that changed since `searched`; all of them at first."""
        if self._before is not None:
            steps = np.abs(thumb - self._before)
            # The median, not the mean: it ignores the part of the scene that really moves.
            noise = NOISE_PER_STEP * float(np.median(steps))
            self._noise += 0.1 * (noise - self._noise)
        self._before = thumb
        if self._searched is None:
            return np.ones(thumb.shape, bool)
        change = thumb - self._searched
        change -= np.median(change)
        limit = min(max(NOISES * self._noise, QUIETEST), LOUDEST)
        return np.asarray(np.abs(change) > limit)

    def mark_searched(
        self, thumb: NDArray[np.float32], blocks: NDArray[np.bool_] | None = None
    ) -> None:
        """Say that the scene of ``thumb`` is being searched, in ``blocks`` or everywhere."""
        if self._searched is None or blocks is None:
            self._searched = thumb.copy()
        else:
            self._searched[blocks] = thumb[blocks]

    def forget(self) -> None:
        """Take everything for changed."""
        self._searched = None


class FrozenCamera:
    """Notices a camera that hands over the same picture again and again.

    A sensor's noise makes every picture new, even of a still scene in front of a still guest, so
    pictures that are equal bit for bit are one picture. (A dark lens cap gives noise too; a
    picture that the driver fills with zeros does not.)
    """

    def __init__(self) -> None:
        self._last: Image | None = None
        self._since = 0.0

    def same_for(self, image: Image, now: float) -> float:
        """Seconds for which the very same picture has been coming; 0 if it is new."""
        thin = sample(image) if image.ndim >= 2 and image.size else np.zeros((0, 0), np.uint8)
        if self._last is None or not np.array_equal(thin, self._last):
            self._last, self._since = thin, now
        return now - self._since


def clear(mask: NDArray[np.bool_], box: Box, frame: tuple[int, int]) -> None:
    """Take the blocks that ``box`` (px of the (h, w) frame) touches out of the mask, in place."""
    rows, columns = mask.shape
    height, width = frame
    mask[
        max(0, box.y * rows // height) : max(0, -(-(box.y + box.height) * rows // height)),
        max(0, box.x * columns // width) : max(0, -(-(box.x + box.width) * columns // width)),
    ] = False


def fits(mask: NDArray[Any], left: float, top: float, right: float, bottom: float) -> bool:
    """Whether any block of ``mask`` lies in the rectangle, given in fractions of the frame."""
    rows, columns = mask.shape
    return bool(
        mask[
            max(0, int(top * rows)) : max(1, int(np.ceil(bottom * rows))),
            max(0, int(left * columns)) : max(1, int(np.ceil(right * columns))),
        ].any()
    )
