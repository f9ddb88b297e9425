"""Which correction of the light helps the face search? Prints found faces per light and correction.

    python tests/benchmarks/light.py FOLDER   # a folder of photos with one face each

The cascade evens out each window's variance itself; this measures whether more is worth its time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from gate.vision.detector import FaceDetector
from gate.vision.view import View

COUNT = 150
SIDE = 96


def lights(gray: np.ndarray, chance: np.random.Generator) -> dict[str, np.ndarray]:
    """The picture in the lights of a gate."""
    float_ = gray.astype(np.float32)
    across = np.linspace(0.15, 1.6, gray.shape[1])[None, :]
    scenes = {
        "as it is": float_,
        "dark (8 %)": 0.08 * float_ + chance.normal(0, 1.5, gray.shape),
        "very dark (3 %)": 0.03 * float_ + chance.normal(0, 1.5, gray.shape),
        "glaring (2.2×)": 2.2 * float_,
        "hazy (15 % contrast)": 0.15 * float_ + 190 + chance.normal(0, 1.5, gray.shape),
        "lit from one side": across * float_,
        "backlit (γ 3, 30 %)": 0.3 * 255 * (float_ / 255) ** 3 + chance.normal(0, 1.5, gray.shape),
    }
    return {name: np.clip(scene, 0, 255).astype(np.uint8) for name, scene in scenes.items()}


def gamma(gray: np.ndarray) -> np.ndarray:
    """A gamma that brings the mean to the middle."""
    power = np.log(0.5) / np.log(np.clip(gray.mean() / 255, 0.01, 0.99))
    return cv2.LUT(gray, (255 * (np.arange(256) / 255) ** power).astype(np.uint8))


CORRECTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda gray: gray,
    "gamma": gamma,
    "equalised": cv2.equalizeHist,
    "CLAHE": cv2.createCLAHE(2.0, (4, 4)).apply,
}


def main(folder: Path) -> None:
    """Print the table."""
    finder = FaceDetector()
    chance = np.random.default_rng(0)
    found: dict[str, dict[str, int]] = {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    picked = [paths[at] for at in chance.permutation(len(paths))[:COUNT]]
    for path in picked:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        gray = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        gray = cv2.copyMakeBorder(gray, 24, 24, 24, 24, cv2.BORDER_REPLICATE)
        for light, scene in lights(gray, chance).items():
            for name, correct in CORRECTIONS.items():
                seen = finder.detect(
                    View(correct(scene)), smallest=72, largest=120, step=1.12, neighbours=3
                )
                row = found.setdefault(light, dict.fromkeys(CORRECTIONS, 0))
                row[name] += bool(seen)
    print("| light | " + " | ".join(CORRECTIONS) + " |")
    print("|---" * (len(CORRECTIONS) + 1) + "|")
    for light, row in found.items():
        shares = (f"{100 * count / len(picked):.0f} %" for count in row.values())
        print(f"| {light} | " + " | ".join(shares) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
