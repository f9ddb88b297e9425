"""All faces of a still photo of any size, from one cut face to a group on 24 megapixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.vision.detector import WINDOW, Detection, FaceDetector, iou
from gate.vision.view import View, gray, inside, shrunk, whole

if TYPE_CHECKING:
    from gate.core.domain import Image

SIDES = (800, 2000)
"""Longer side, px, at which a photo is searched: the second only where the first shows nobody."""
STILL_STEP = 1.1
SURE = 25
"""Votes that make a detection a face without the second cascade's word."""
LIKELY, FILLS = 5, 0.45
"""Votes that are enough where the face fills that share of the photo: chance hits are small."""
DOUBTFUL = 3
"""Votes below which a detection is dropped unheard."""
PADDING = 0.3
"""Border, of the shorter side, put around a photo that is all face before the last try."""


def find(detector: FaceDetector, image: Image) -> list[Box]:
    """Boxes of the faces in the photo, largest first, in its pixels."""
    grey = gray(image)
    if min(grey.shape, default=0) < WINDOW / 2:
        return []
    for side in SIDES:
        found = _at(detector, grey, side)
        if found or max(grey.shape) <= side:
            break
    if not found:
        found = _padded(detector, grey)
    return [seen.box for seen in distinct(found)]


def distinct(found: list[Detection]) -> list[Detection]:
    """The detections without those that lie on a better one, largest first."""
    kept: list[Detection] = []
    for seen in sorted(found, key=lambda seen: seen.votes, reverse=True):
        if all(
            iou(seen.box, other.box) < 0.2 and not _within(seen.box, other.box) for other in kept
        ):
            kept.append(seen)
    return sorted(kept, key=lambda seen: seen.box.width * seen.box.height, reverse=True)


def _within(inner: Box, outer: Box) -> bool:
    """Whether most of ``inner`` lies in ``outer``: a chin or a hand found inside a face."""
    shared = inside(inner, outer)
    return shared.width * shared.height > 0.6 * inner.width * inner.height


def _at(detector: FaceDetector, grey: Image, side: int) -> list[Detection]:
    """What is found with the photo's longer side scaled down to ``side``."""
    shrink = min(1.0, side / max(grey.shape))
    small = grey
    if shrink < 1:
        size = (max(1, round(grey.shape[1] * shrink)), max(1, round(grey.shape[0] * shrink)))
        small = shrunk(grey, size)
    found = detector.detect(
        View(small),
        smallest=WINDOW,
        largest=max(small.shape),
        step=STILL_STEP,
        neighbours=DOUBTFUL,
        base=WINDOW,
    )
    view = View(small)
    return [
        Detection(_scaled(seen.box, 1 / shrink, whole(grey)), seen.votes)
        for seen in found
        if seen.votes >= SURE
        or (seen.votes >= LIKELY and seen.box.width > FILLS * min(small.shape))
        or detector.confirm(view, seen.box, neighbours=3)
    ]


def _padded(detector: FaceDetector, grey: Image) -> list[Detection]:
    """A second look with a border, for a photo that a face fills to the edge."""
    pad = max(1, round(PADDING * min(grey.shape)))
    framed = np.pad(grey, pad, mode="edge")
    if max(framed.shape) < 64:
        framed = np.asarray(cv2.resize(framed, None, fx=2, fy=2), np.uint8)
    shrink = framed.shape[0] / (grey.shape[0] + 2 * pad)
    found = []
    for seen in _at(detector, framed, 400):
        box = _scaled(seen.box, 1 / shrink, whole(framed))
        box = inside(Box(box.x - pad, box.y - pad, box.width, box.height), whole(grey))
        if min(box.width, box.height) > 0.5 * min(grey.shape):
            found.append(Detection(box, seen.votes))
    return found


def _scaled(box: Box, factor: float, bounds: Box) -> Box:
    """The box in a picture ``factor`` times as large, kept inside it."""
    return inside(
        Box(
            round(box.x * factor),
            round(box.y * factor),
            round(box.width * factor),
            round(box.height * factor),
        ),
        bounds,
    )
