"""Accuracy under bad light, distance, motion, compression and occlusion.

Every change is made to the gray picture around the face, before the gate cuts and normalises it,
as a camera would see it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.training import occlusion
from gate.training.augment import compress
from gate.training.crop_geometry import as_gray
from gate.training.evaluate import score
from gate.training.metrics import Evaluation, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from gate.core.domain import Image
    from gate.training.data import Example
    from gate.vision.classifier import TFLiteClassifier

    Change = Callable[[Image, Box, str], tuple[Image, Box]]


@dataclass(frozen=True, slots=True)
class Level:
    """One step of one kind of stress."""

    level: str
    change: Change
    mild: bool = False
    """Whether the gate must hold in it: such levels are part of the model's promise."""
    hides_mouth: bool = False
    """Whether no smile can be seen any more, so that every accept is a false one."""


@dataclass(frozen=True, slots=True)
class Point:
    """The report at one level; where the mouth is hidden, all faces count as not smiling."""

    level: str
    mild: bool
    hides_mouth: bool
    report: Evaluation


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of stress over its levels."""

    name: str
    points: tuple[Point, ...]


def _tone(curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Change:
    table = np.clip(np.rint(curve(np.arange(256) / 255.0) * 255.0), 0, 255).astype(np.uint8)
    return lambda gray, box, key: (cv2.LUT(gray, table), box)  # type: ignore[return-value]  # table of uint8


def _blur(share: float) -> Change:
    return lambda gray, box, key: (
        cv2.GaussianBlur(gray, (0, 0), share * box.width, borderType=cv2.BORDER_REPLICATE),
        box,
    )  # type: ignore[return-value]  # uint8 in and out


def _side(pixels: int) -> Change:
    def change(gray: Image, box: Box, key: str) -> tuple[Image, Box]:
        share = pixels / box.width
        if share >= 1.0:
            return gray, box
        size = (max(8, round(gray.shape[1] * share)), max(8, round(gray.shape[0] * share)))
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        place = (round(box.x * share), round(box.y * share))
        return small, Box(*place, pixels, round(box.height * share))  # type: ignore[return-value]  # uint8 in and out

    return change


def _turn(degrees: float) -> Change:
    def change(gray: Image, box: Box, key: str) -> tuple[Image, Box]:
        centre = (box.x + box.width / 2, box.y + box.height / 2)
        matrix = cv2.getRotationMatrix2D(centre, degrees, 1.0)
        size = (gray.shape[1], gray.shape[0])
        return cv2.warpAffine(gray, matrix, size, borderMode=cv2.BORDER_REPLICATE), box  # type: ignore[return-value]  # uint8 in and out

    return change


def _noise(sigma: float) -> Change:
    def change(gray: Image, box: Box, key: str) -> tuple[Image, Box]:
        noise = _random(key).normal(0.0, sigma, gray.shape)
        return np.clip(gray + noise, 0, 255).astype(np.uint8), box

    return change


def _compress(quality: int) -> Change:
    return lambda gray, box, key: (compress(gray, quality), box)


def _cover(kind: occlusion.Kind) -> Change:
    return lambda gray, box, key: (occlusion.draw(gray, box, _random(key), kind)[0], box)


def _random(key: str) -> np.random.Generator:
    """Return a generator of the face's own, so that a face meets the same noise every time."""
    return np.random.default_rng(zlib.crc32(key.encode()))


def kinds() -> dict[str, tuple[Level, ...]]:
    """Return the levels of every kind of stress."""

    def tones(levels: tuple[float, ...], mild: tuple[float, ...], make) -> tuple[Level, ...]:  # type: ignore[no-untyped-def]  # a local table
        return tuple(Level(f"{v:g}", _tone(make(v)), v in mild) for v in levels)

    things = occlusion.Kind
    return {
        "brightness": tones((0.12, 0.25, 0.5, 1, 1.5, 2, 3), (0.5, 2), lambda v: lambda x: x * v),
        "contrast": tones(
            (0.1, 0.25, 0.5, 1, 1.5, 2), (0.5,), lambda v: lambda x: (x - 0.5) * v + 0.5
        ),
        "gamma": tones((0.3, 0.5, 0.7, 1, 1.5, 2, 3), (0.7, 1.5), lambda v: lambda x: x**v),
        "blur, share of the face": tuple(
            Level(f"{v:g}", _blur(v), v == 0.01) for v in (0.01, 0.02, 0.03, 0.05)
        ),
        "face size, pixels": tuple(
            Level(str(v), _side(v), v in (48, 40)) for v in (64, 48, 40, 32, 28, 24)
        ),
        "rotation, degrees": tuple(
            Level(str(v), _turn(v), abs(v) == 15) for v in (-30, -20, -15, 0, 15, 20, 30)
        ),
        "noise, gray levels": tuple(Level(str(v), _noise(v), v == 5) for v in (5, 10, 20, 30)),
        "JPEG quality": tuple(Level(str(v), _compress(v), v in (50, 30)) for v in (50, 30, 20, 10)),
        "occlusion": (
            Level("sunglasses", _cover(things.SUNGLASSES)),
            Level("hat", _cover(things.HAT)),
            Level("patch", _cover(things.PATCH)),
            Level("rims", _cover(things.RIMS)),
            Level("beard", _cover(things.BEARD)),
            Level("mask", _cover(things.MASK), hides_mouth=True),
            Level("mouth", _cover(things.MOUTH), hides_mouth=True),
            Level("face", _cover(things.FACE), hides_mouth=True),
        ),
    }


def curves(
    classifier: TFLiteClassifier,
    examples: Sequence[Example],
    threshold: float,
    watch: Callable[[str], None] = lambda _: None,
    *,
    mild_only: bool = False,
) -> list[Curve]:
    """Return all curves for the faces; ``watch`` is told the name of each kind as it starts."""
    plain = [(as_gray(e.image), e.box, e.key) for e in examples]
    labels = np.array([e.label for e in examples])
    result = []
    for name, levels in kinds().items():
        watch(name)
        points = []
        for level in (level for level in levels if level.mild or not mild_only):
            faces = [level.change(gray, box, key) for gray, box, key in plain]
            truth = np.zeros_like(labels) if level.hides_mouth else labels
            report = judge(score(classifier, faces), truth, threshold)
            points.append(Point(level.level, level.mild, level.hides_mouth, report))
        result.append(Curve(name, tuple(points)))
    return result


def worst_mild(curves: Sequence[Curve]) -> tuple[str, float]:
    """Return the mild level with the lowest accuracy and that accuracy."""
    mild = [
        (f"{curve.name} {point.level}", point.report.accuracy.value)
        for curve in curves
        for point in curve.points
        if point.mild
    ]
    return min(mild, key=lambda item: item[1])
