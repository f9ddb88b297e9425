"""Scores of a model file on labelled faces, cut and normalised just as the gate does it."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.errors import PictureError
from gate.training import crop_geometry, notes
from gate.training.metrics import Evaluation, judge
from gate.training.plan import FRAMING
from gate.vision.framing import cut, cuts, still_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.core.domain import Box, Image
    from gate.training.data import Example
    from gate.vision.classifier import TFLiteClassifier

GROUPS = 5
"""Equal parts into which a measurable trait is cut: fifths keep a hundred faces each."""


def score(
    classifier: TFLiteClassifier, pictures: Iterable[tuple[Image, Box]]
) -> NDArray[np.float32]:
    """Return the model's probability for each (gray picture, Haar box)."""
    framing, size = classifier.card.framing, classifier.size
    return classifier.score([cut(gray, box, framing, size) for gray, box in pictures])


def score_stills(classifier: TFLiteClassifier, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return the probability that `smile-gate classify` gives each example: over several cuts."""
    framing, size = classifier.card.framing, classifier.size
    return np.array(
        [
            still_score(
                classifier.score(cuts(crop_geometry.as_gray(e.image), e.box, framing, size))
            )
            for e in examples
        ],
        np.float32,
    )


def score_examples(
    classifier: TFLiteClassifier, examples: Sequence[Example]
) -> NDArray[np.float32]:
    """Return the model's probability for each example."""
    return score(classifier, [(crop_geometry.as_gray(e.image), e.box) for e in examples])


def milliseconds(classifier: TFLiteClassifier, rounds: int = 300) -> float:
    """Return the median time of one crop, normalisation included, after warming up."""
    crop = np.random.default_rng(0).integers(0, 256, classifier.size).astype(np.uint8)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        classifier.score([crop])
        times.append(time.perf_counter() - start)
    return float(np.median(times[rounds // 5 :])) * 1e3


@dataclass(frozen=True, slots=True)
class Group:
    """The report on the faces that share a trait or a group."""

    trait: str
    group: str
    report: Evaluation


def traits(example: Example) -> dict[str, float]:
    """Return the traits of a face that can be measured without any label.

    ``luminance`` and ``contrast`` are mean and standard deviation of its gray levels,
    ``sharpness`` the variance of the Laplacian over the variance of the picture, ``size`` the
    Haar box's side in pixels. Skin tone, age and glasses are not among them: nothing here can
    measure those in a way that could be checked.
    """
    crop = cut(crop_geometry.as_gray(example.image), example.box, FRAMING, (64, 64)).astype(
        np.float32
    )
    return {
        "luminance": float(crop.mean()),
        "contrast": float(crop.std()),
        "sharpness": float(cv2.Laplacian(crop, cv2.CV_32F).var() / max(crop.var(), 1.0)),
        "size": float(example.box.width),
    }


def by_trait(
    examples: Sequence[Example], scores: NDArray[np.float32], threshold: float
) -> list[Group]:
    """Return the report on each fifth of every measurable trait that varies."""
    labels = np.array([e.label for e in examples])
    measured = [traits(example) for example in examples]
    groups = []
    for trait in measured[0]:
        values = np.array([m[trait] for m in measured])
        edges = np.unique(np.quantile(values, np.linspace(0, 1, GROUPS + 1)))
        if len(edges) < 3:
            continue
        places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        for place in range(len(edges) - 1):
            inside = places == place
            if inside.any():
                name = f"{edges[place]:.3g} to {edges[place + 1]:.3g}"
                report = judge(scores[inside], labels[inside], threshold)
                groups.append(Group(trait, name, report))
    return groups


def by_label(
    examples: Sequence[Example],
    scores: NDArray[np.float32],
    threshold: float,
    given: Mapping[str, str],
) -> list[Group]:
    """Return the report on each named group; raise `PictureError` if none matches."""
    labels = np.array([e.label for e in examples])
    names = np.array([given.get(e.key, "") for e in examples])
    found = [name for name in np.unique(names) if name]
    if not found:
        raise PictureError(
            "the groups file names none of these pictures; its first column is CLASS/FILE, such "
            "as smiling/0001.jpg"
        )
    return [
        Group("group", str(name), judge(scores[names == name], labels[names == name], threshold))
        for name in found
    ]


def by_note(
    folder: Path, examples: Sequence[Example], scores: NDArray[np.float32], threshold: float
) -> list[Group]:
    """Return the report on each group of each trait that a set's notes tell; none without notes."""
    labels = np.array([e.label for e in examples])
    known = notes.of(folder)
    told = [known.get(example.key, notes.NOTHING).traits for example in examples]
    groups = []
    for trait in sorted({trait for one in told for trait in one}):
        names = np.array([one.get(trait, "") for one in told])
        for name in (name for name in np.unique(names) if name):
            report = judge(scores[names == name], labels[names == name], threshold)
            groups.append(Group(trait, str(name), report))
    return groups


def in_glare(example: Example, gain: float) -> Example:
    """Return the face ``gain`` times as bright, each colour cut off by itself as in a sensor."""
    bright = cv2.convertScaleAbs(example.image, alpha=gain)
    return replace(example, image=bright)  # type: ignore[arg-type]  # saturates to uint8


def read_groups(path: Path) -> dict[str, str]:
    """Return {CLASS/FILE: group} from a CSV file with the columns ``file`` and ``group``."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if not {"file", "group"} <= set(table.fieldnames or ()):
                raise PictureError(f"{path}: needs a first line with the columns file,group")
            return {line["file"].strip(): line["group"].strip() for line in table}
    except (OSError, UnicodeDecodeError, csv.Error):
        raise PictureError(f"{path}: no CSV file that can be read") from None


def worst(
    examples: Sequence[Example], scores: NDArray[np.float32], count: int
) -> list[tuple[Example, float]]:
    """Return the faces whose score is farthest from their label, the worst first."""
    labels = np.array([e.label for e in examples])
    order = np.argsort(-np.abs(labels - scores), kind="stable")[:count]
    return [(examples[i], float(scores[i])) for i in order]
