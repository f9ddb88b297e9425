"""Verdicts of an eye model on eyes and faces that no training has seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from gate.core.rules import EyeMethod
from gate.training import data, eye_faces, eye_model
from gate.training.metrics import Rate, auc
from gate.vision.eyes import EyeJudge, EyeRules
from gate.vision.framing import cut
from gate.vision.model_input import Framing
from gate.vision.view import View

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.training.data import Example
    from gate.vision.classifier import TFLiteClassifier


class Shown(StrEnum):
    """What the pictures of a folder show."""

    SINGLE = "single"
    """One eye each, in ``open/`` and ``closed/``."""
    FACES = "faces"
    """Faces in ``open/`` and ``closed/``, or faces that all have their eyes open."""
    NARROW = "narrow"
    """A set of faces with notes, of which the smiles with narrow eyes count, as open ones."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many open and how many closed eyes (both of a face) were judged open, in one way."""

    way: str
    opened: Rate
    closed: Rate
    auc: float


def judged(
    folder: Path,
    shown: Shown,
    model: TFLiteClassifier,
    share: float,
    listed: Collection[str] = frozenset(),
) -> list[Verdicts]:
    """Return the verdicts on the ``share`` of a folder that training keeps out.

    Faces are judged by the model's one look and by the gate's two methods together, with five looks
    as at a still. Raise `PictureError` where the folder holds no such pictures.
    """
    if shown is Shown.SINGLE:
        eyes = eye_model.read_eyes(folder, share).kept_out
        framing = Framing(eye_faces.FRAMING.scale, 0.0, 0.0)
        scores = model.score([cut(eye.image, eye.box, framing, model.size) for eye in eyes])
        return [_verdicts("model, one look", scores, _labels(eyes), model.card.threshold)]
    faces = _kept_out(folder, shown, share, listed)
    ways = {
        "model, one look": (EyeMethod.MODEL, 0.0),
        "model, five looks": (EyeMethod.MODEL, None),
        "model and cascade, five looks": (EyeMethod.BOTH, None),
    }
    found = []
    for way, (method, now) in ways.items():
        judge = EyeJudge(EyeRules(method), model)
        pairs = [judge.score(View(face.image), face.box, now) for face in faces]
        lower = np.array([min(pair) for pair in pairs], np.float32)
        found.append(_verdicts(way, lower, _labels(faces), judge.threshold))
    return found


def _kept_out(
    folder: Path, shown: Shown, share: float, listed: Collection[str]
) -> Sequence[Example]:
    if shown is Shown.FACES:
        return [face for face in eye_faces.read(folder) if data.kept_out(face.key, share)]
    keys = [key for key, _, _ in data.pictures(folder)]
    faces = data.read(folder, only=data.out_of_training(keys, listed, share)).examples
    return eye_faces.narrowed_by_smiles(folder, faces)


def _labels(examples: Sequence[Example]) -> NDArray[np.int64]:
    return np.array([example.label for example in examples], np.int64)


def _verdicts(
    way: str, scores: NDArray[np.float32], labels: NDArray[np.int64], threshold: float
) -> Verdicts:
    seen = scores >= threshold
    opened, closed = (
        Rate(int(np.sum(seen & (labels == label))), int(np.sum(labels == label)))
        for label in (1, 0)
    )
    return Verdicts(way, opened, closed, auc(scores, labels))
