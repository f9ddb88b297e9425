"""The Haar cascades that OpenCV ships, with a clear error where they are missing."""

from __future__ import annotations

from pathlib import Path

import cv2

from gate.errors import ModelError

FACE = "haarcascade_frontalface_default.xml"
SECOND = "haarcascade_frontalface_alt2.xml"
EYES = "haarcascade_eye_tree_eyeglasses.xml"


def load(name: str) -> cv2.CascadeClassifier:
    """The cascade of that file name from the folder that OpenCV's wheel brings along.

    Raises `ModelError` where OpenCV has no cascades (version 5 dropped them) or the file is bad.
    """
    try:
        path = Path(cv2.data.haarcascades) / name  # type: ignore[attr-defined]  # not in cv2's stubs
        classifier = cv2.CascadeClassifier(str(path))
    except (AttributeError, cv2.error) as error:
        raise ModelError(
            "this OpenCV has no Haar cascades: install opencv-python-headless>=4.11,<5"
        ) from error
    if classifier.empty():
        raise ModelError(f"can't load {path}: install opencv-python-headless>=4.11,<5 again")
    return classifier
