"""Faces in photos of every size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.vision import photos
from gate.vision.detector import FaceDetector, iou
from tests.seeing import FACE, astronaut


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.3, 0.5, 1.0, 2.5, 8.0])
def test_finds_the_one_face_at_every_size(detector: FaceDetector, scale: float) -> None:
    """The same photo has the same single face whatever its resolution."""
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    photo = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=how)
    (box,) = photos.find(detector, np.asarray(photo, np.uint8))
    assert iou(box, Box(*(round(side * scale) for side in FACE))) > 0.6


def test_finds_a_face_that_fills_the_photo(detector: FaceDetector) -> None:
    """A photo that was cut at the face's edge still has a face."""
    x, y, width, height = FACE
    assert len(photos.find(detector, astronaut()[y : y + height, x : x + width])) == 1


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (3, 900), (480, 640, 3), (480, 640, 4)])
def test_finds_nothing_in_an_even_picture(detector: FaceDetector, shape: tuple[int, ...]) -> None:
    """No face, no error, whatever the shape."""
    assert photos.find(detector, np.full(shape, 90, np.uint8)) == []
