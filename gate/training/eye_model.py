"""The eye-state model: one eye in, the probability that it is open out; trained like the smile's.

The labelled eyes are few, and most are cut one by one: at the gate the eyes are at fixed places of
a jittering face box, narrowed by the smile that is asked for. So a first round learns from the
labelled eyes and from what is made of them (`gate.training.eye_faces`), and then labels the eyes
of other faces where it is sure (self-training); the second round learns from both. What is not an
eye at all (chins behind a false face, sunglasses) scores low in the first round and is learnt as
not open, as it should.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import PictureError
from gate.training import batches, crop_geometry, data, export, eye_faces, fit, metrics
from gate.training.eye_faces import CLASSES, FRAMING
from gate.training.plan import Schedule, Strength, TrainingPlan
from gate.vision.classifier import TFLiteClassifier
from gate.vision.framing import cut
from gate.vision.model_input import Framing, Normalisation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gate.training.data import Example

EYE_CROP = 0.28
"""Part of a Haar box that the labelled eye crops show, by the width of the eyes in them."""
FIRST = 300_000
"""Eyes that the first round looks at in at least so many epochs as the second: it may have few."""
MANY_OPEN = 4000
"""Self-labelled open eyes in the second round: there are twenty times as many as closed ones, and
they are alike."""
LABELLED, CLOSED = 4, 2
"""Repeats of the labelled crops, and of the self-labelled closed eyes, in an epoch."""
SURE_OPEN, SURE_CLOSED = 0.5, 0.12
"""Scores of the first round from which an eye of a whole face is learnt from."""
STRENGTH = Strength(
    shift=0.03,
    scale=0.13,
    rotation=9.0,
    tone=0.9,
    sensor=0.8,
    occlusion=0.0,
    talk=0.0,
    smallest=40.0,
)
"""Unlike a face's: the place of an eye in its box varies more than the box, nothing is hidden."""
PLAN = TrainingPlan(
    arch="eye-net",
    epochs=40,
    batch=128,  # in the first round too: `FIRST` makes up for its few steps
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
            example = eye_faces.from_crop(
                crop_geometry.as_gray(image), EYE_CROP, label, key, folder.name
            )
            example = replace(example, person=f"{folder.name}/{face}")
            (held if data.kept_out(face, share) else training).append(example)
    if {example.label for example in (*training, *held)} != {0, 1}:
        raise PictureError(f"{folder}: needs readable eyes in both open/ and closed/")
    return Data(tuple(training), tuple(held))


def eyes_of(examples: Sequence[Example]) -> list[Example]:
    """Both eyes of each face, unlabelled (label 0), the viewer's right one mirrored."""
    return [eye for example in examples for eye in eye_faces.pair(replace(example, label=0))]


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
    labelled: Sequence[Example],
    whole_faces: Sequence[Example],
    out: Path,
    watch: Callable[[fit.Progress], None] = lambda _: None,
) -> Any:
    """Train in two rounds (one where there are no whole faces) and return the Keras model.

    ``labelled`` are eyes; ``whole_faces`` are faces about whose eyes nothing is known.
    """
    training, validation = data.split(labelled, 0.12, run_plan.seed)
    longer = replace(run_plan, epochs=max(run_plan.epochs, FIRST // len(training)))
    first = fit.Run(
        longer if whole_faces else run_plan,
        _one_source(training),
        _one_source(validation),
        out / "first",
    )
    model = first.go(watch)
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
    mixture = _one_source([*training, *closed * CLOSED, *some])
    second = fit.Run(run_plan, mixture, _one_source([*validation, *checked]), out / "second")
    return second.go(watch)


def to_learn(crops: Sequence[Example], faces: Sequence[Example], seed: int) -> list[Example]:
    """Return the eyes to learn from: crops, both eyes of labelled faces, and what is made of these.

    A face's own eyes and those made of them carry its name as their person, so that they validate
    or train together.
    """
    opened = [face for face in faces if face.label]
    made = eye_faces.made_of(opened, np.random.default_rng(seed))
    return [
        *list(crops) * LABELLED,
        *(eye for face in faces for eye in eye_faces.pair(face)),
        *made,
    ]


def write(model: Any, path: Path, precision: export.Precision, threshold: float) -> None:
    """Write the TFLite file and its card."""
    recipe = export.Recipe(
        "eye-net", FRAMING, Normalisation.STANDARD, threshold, (CLASSES[0], CLASSES[1])
    )
    export.write(export.convert(model, precision), path, recipe)


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
