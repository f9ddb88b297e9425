"""The eye-state model: one eye in, the probability that it is open out; trained like the smile's.

The labelled eyes are few (the Closed Eyes in the Wild crops), and cut one by one: at the gate the
eyes are at fixed places of a jittering face box, narrowed by the smile that is asked for. So a
first round learns from the labelled eyes alone and then labels the eyes of whole faces where it is
sure (self-training); the second round learns from both. What is not an eye at all (chins behind
a false face, sunglasses) scores low in the first round and is learnt as not open, as it should.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import batches, crop_geometry, data, export, fit, metrics
from gate.training.plan import Schedule, Strength, TrainingPlan
from gate.vision.classifier import TFLiteClassifier
from gate.vision.framing import cut
from gate.vision.model_input import Framing, Normalisation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gate.core.domain import Image
    from gate.training.data import Example

CLASSES = ("closed", "open")
"""Folder names of a set of eyes; the place in the tuple is the label."""
FRAMING = Framing(scale=0.32, shift_x=0.195, shift_y=-0.12)
"""An eye in units of the Haar box: measured on faces in which the eye cascade found both, eyes
are at (0.30, 0.38) and (0.69, 0.38), with a spread of 0.03."""
EYE_CROP = 0.28
"""Part of a Haar box that the labelled eye crops show, by the width of the eyes in them."""
CONTEXT = 40
"""Side of what is kept around an eye for the augmentation to move in, px."""
FEW = 8
"""Factor on the epochs of the first round: it has one thousand eyes, the second twenty."""
LABELLED, MANY_OPEN = 4, 4000
"""Repeats of the labelled eyes in an epoch of the second round, and number of self-labelled
open ones: there are twenty times as many of them as of closed ones, and they are alike."""
SURE_OPEN, SURE_CLOSED = 0.5, 0.12
"""Scores of the first round from which an eye of a whole face is learnt from."""
STRENGTH = Strength(
    shift=0.03, scale=0.13, rotation=9.0, tone=0.6, sensor=0.8, occlusion=0.0, smallest=40.0
)
"""Unlike a face's: the place of an eye in its box varies more than the box, nothing is hidden."""
PLAN = TrainingPlan(
    arch="eye-net",
    epochs=40,
    batch=128,  # in the first round too: `FEW` makes up for its few steps
    schedule=Schedule.COSINE,
    framing=Framing(FRAMING.scale, 0.0, 0.0),
    normalisation=Normalisation.STANDARD,
    strength=STRENGTH,
)
"""How eyes are learnt; each example's box is centred on its eye."""


@dataclass(frozen=True, slots=True)
class Data:
    """Eyes to learn from, and eyes kept out by the rule on their face's name."""

    training: tuple[Example, ...]
    kept_out: tuple[Example, ...]


def read_eyes(folder: Path, share: float) -> Data:
    """Read labelled eye crops (``open/``, ``closed/``); both eyes of a face stay together."""
    training: list[Example] = []
    held: list[Example] = []
    for label, name in enumerate(CLASSES):
        if not (folder / name).is_dir():
            raise PictureError(
                f"{folder}: has no folder {name}/; put the eyes into open/ and closed/"
            )
        for path in sorted((folder / name).iterdir()):
            image = data.open_picture(path)
            if image is None:
                continue
            key = f"{name}/{path.name}"
            face = path.stem.removesuffix("_L").removesuffix("_R")
            example = _crop_example(crop_geometry.as_gray(image), label, key, folder.name)
            (held if data.kept_out(face, share) else training).append(example)
    if {example.label for example in training} != {0, 1}:
        raise PictureError(f"{folder}: needs readable eyes in both open/ and closed/")
    return Data(tuple(training), tuple(held))


def eyes_of(examples: Sequence[Example]) -> list[Example]:
    """Both eyes of each face, unlabelled (label 0), the viewer's right one mirrored."""
    eyes = []
    for example in examples:
        gray = crop_geometry.as_gray(example.image)
        wide = FRAMING.scale * CONTEXT / 24
        for side in (-1, 1):
            place = Framing(wide, side * FRAMING.shift_x, FRAMING.shift_y)
            eye = cut(gray, example.box, place, (CONTEXT, CONTEXT))
            if side > 0:
                eye = np.ascontiguousarray(eye[:, ::-1])
            key = f"{example.key}#{'LR'[side > 0]}"
            eyes.append(_example(eye, wide, 0, key, example.source))
    return eyes


def self_labelled(eyes: Sequence[Example], scores: Sequence[float]) -> list[Example]:
    """The eyes that a first model is sure of, with its verdict as their label; pairs must agree."""
    sure = []
    for left, right, one, other in zip(
        eyes[::2], eyes[1::2], scores[::2], scores[1::2], strict=True
    ):
        mean = (one + other) / 2
        if mean >= SURE_OPEN or mean <= SURE_CLOSED:
            label = int(mean >= SURE_OPEN)
            sure += [replace(left, label=label), replace(right, label=label)]
    return sure


def train(
    run_plan: TrainingPlan,
    eyes: Data,
    whole_faces: Sequence[Example],
    out: Path,
    watch: Callable[[fit.Progress], None] = lambda _: None,
) -> Any:
    """Train in two rounds (one where there are no whole faces) and return the Keras model."""
    training, validation = data.split(eyes.training, 0.12, run_plan.seed)
    longer = replace(run_plan, epochs=FEW * run_plan.epochs) if whole_faces else run_plan
    model = fit.Run(longer, training, validation, out / "first").go(watch)
    if not whole_faces:
        return model
    unlabelled = eyes_of(whole_faces)
    scores = batches.opinions([model], unlabelled, run_plan)
    more = self_labelled(unlabelled, [float(score) for score in scores])
    learnt, checked = data.split(more, 0.08, run_plan.seed)
    rng = np.random.default_rng(run_plan.seed)
    opened = [eye for eye in learnt if eye.label]
    some = [opened[at] for at in rng.permutation(len(opened))[:MANY_OPEN]]
    closed = [eye for eye in learnt if not eye.label]
    mixture = _one_source([*training * LABELLED, *closed * 2, *some])
    second = fit.Run(run_plan, mixture, _one_source([*validation, *checked]), out / "second")
    return second.go(watch)


def write(model: Any, path: Path, precision: export.Precision, threshold: float) -> None:
    """Write the TFLite file and its card."""
    recipe = export.Recipe(
        "eye-net", FRAMING, Normalisation.STANDARD, threshold, (CLASSES[0], CLASSES[1])
    )
    export.write(export.convert(model, precision), path, recipe)


def _crop_example(gray: Image, label: int, key: str, source: str) -> Example:
    """An eye crop as an example, with the edge continued for the augmentation to move in."""
    side = max(gray.shape)
    more = round(side * (CONTEXT / 24 * FRAMING.scale / EYE_CROP - 1) / 2)
    wide = np.pad(gray, more, mode="edge")
    eye = np.asarray(cv2.resize(wide, (CONTEXT, CONTEXT)), np.uint8)
    return _example(eye, FRAMING.scale * CONTEXT / 24, label, key, source)


def judged(path: Path, held: Sequence[Example]) -> str:
    """Return the exported model's figures on kept-out eyes, one score each, as a line."""
    framing = Framing(FRAMING.scale, 0.0, 0.0)
    with TFLiteClassifier(path) as model:
        scores = model.score([cut(eye.image, eye.box, framing, model.size) for eye in held])
        seen_open = scores >= model.card.threshold
    labels = np.array([eye.label for eye in held])
    opened, closed = labels == 1, labels == 0
    return (
        f"of {opened.sum()} open eyes {100 * seen_open[opened].mean():.1f} % judged open, of"
        f" {closed.sum()} closed ones {100 * seen_open[closed].mean():.1f} %;"
        f" AUC {metrics.auc(scores, labels):.4f}"
    )


def _one_source(eyes: Sequence[Example]) -> list[Example]:
    """The eyes as one set: the trainer weighs classes within a set, and closed ones are rare."""
    return [replace(eye, source="eyes") for eye in eyes]


def _example(eye: Image, scale: float, label: int, key: str, source: str) -> Example:
    """An eye picture that shows ``scale`` of a Haar box, as an example whose box is centred."""
    side = round(CONTEXT / scale)
    corner = round(CONTEXT / 2 - side / 2)
    return data.Example(eye, Box(corner, corner, side, side), label, key, source)
