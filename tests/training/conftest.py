"""A drawn data set: cheap, nobody's face, and easy enough to be learnt in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest


def drawn_face(rng: np.random.Generator, *, smiling: bool, side: int = 64) -> Any:
    """A gray picture that is the Haar box of a cartoon face, its mouth up or down."""
    skin, ink = int(rng.integers(150, 220)), int(rng.integers(20, 70))
    image = np.full((side, side), int(rng.integers(60, 120)), np.uint8)
    unit = side / 64
    x, y = (32 + rng.normal(0, 1, 2)) * unit

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x + dx * unit), round(y + dy * unit)

    cv2.ellipse(image, at(0, 2), (round(25 * unit), round(31 * unit)), 0, 0, 360, (skin,), -1)
    for eye in (-11, 11):
        cv2.ellipse(image, at(eye, -8), (round(5 * unit), round(3 * unit)), 0, 0, 360, (ink,), -1)
    start, dy = (15, 14) if smiling else (195, 24)
    axes = (round(13 * unit), round(9 * unit))
    cv2.ellipse(image, at(0, dy), axes, 0, start, start + 150, (ink,), max(2, round(3 * unit)))
    noise = rng.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def draw_set(folder: Path, count: int, seed: int) -> Path:
    """Write ``count`` faces of each class below ``folder``."""
    rng = np.random.default_rng(seed)
    for name in ("smiling", "not_smiling"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            face = drawn_face(rng, smiling=name == "smiling")
            cv2.imwrite(str(folder / name / f"{number:03}.png"), face)
    return folder


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A folder with 12 drawn faces of each class."""
    return draw_set(tmp_path / "drawn", 12, seed=5)
