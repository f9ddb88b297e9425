"""Faces as a network's input, and the network's scores of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.training import crop_geometry, notes
from gate.vision.framing import cut, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.training.data import Example
    from gate.training.plan import TrainingPlan
    from gate.vision.model_input import Framing


def class_weights(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return a weight for each face, mean 1: both classes of a set weigh the same in sum.

    A set counts by the square root of its size, so that the largest doesn't drown the others;
    and no set's share of smiles can be learnt as a trait of its pictures. Within a class, what the
    mouth does counts by `notes.SHARES`, where it is known.
    """
    weights = np.empty(len(examples), np.float32)
    sources = np.array([example.source for example in examples])
    labels = np.array([example.label for example in examples])
    cells = np.array([example.cell for example in examples])
    for source in np.unique(sources):
        whole = sources == source
        for label in (0, 1):
            members = whole & (labels == label)
            shares = {c: notes.cell_share(c, label) for c in np.unique(cells[members])}
            for cell, share in shares.items():
                inside = members & (cells == cell)
                part = share / sum(shares.values())
                weights[inside] = part * np.sqrt(whole.sum()) / inside.sum()
    return weights * np.float32(len(weights) / weights.sum())


def plain_crops(
    examples: Sequence[Example], framing: Framing, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the faces as the gate would cut them, (n, h, w)."""
    crops = [cut(crop_geometry.as_gray(e.image), e.box, framing, size) for e in examples]
    return np.stack(crops)


def normalised(examples: Sequence[Example], plan: TrainingPlan, model: Any) -> NDArray[np.float32]:
    """Return the faces as the model's input, (n, h, w, 1)."""
    size = (int(model.input_shape[1]), int(model.input_shape[2]))
    return normalise(plain_crops(examples, plan.framing, size), plan.normalisation)


def predicted(model: Any, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's probability for each normalised crop."""
    scores: NDArray[np.float32] = model.predict(pictures, batch_size=256, verbose=0)[:, 0]
    return scores


def opinions(
    teachers: Sequence[Any], examples: Sequence[Example], plan: TrainingPlan
) -> NDArray[np.float32]:
    """Return the teachers' mean probability for each face over two framings and their mirrors."""
    views = (plan.framing, replace(plan.framing, scale=plan.framing.scale * 1.08))
    total = np.zeros(len(examples), np.float64)
    for teacher in teachers:
        size = teacher.input_shape[1:3]
        for view in views:
            crops = normalise(plain_crops(examples, view, size), plan.normalisation)
            for pictures in (crops, crops[:, :, ::-1]):
                total += predicted(teacher, pictures)
    return (total / (len(teachers) * len(views) * 2)).astype(np.float32)


def together(
    teachers: NDArray[np.float32] | None, outside: NDArray[np.float32] | None, weight: float
) -> NDArray[np.float32] | None:
    """Return the teachers' and outside opinions as one: log-odds added, the latter weighted.

    Outside opinions alone count in full.
    """
    if teachers is None or outside is None:
        return outside if teachers is None else teachers
    soft: NDArray[np.float32] = 1 / (1 + np.exp(-_odds(teachers) - weight * _odds(outside)))
    return soft


def _odds(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    sure = np.clip(probabilities, 1e-4, 1 - 1e-4)
    odds: NDArray[np.float32] = np.log(sure / (1 - sure))
    return odds


def remembered(
    file: Path, teachers: Sequence[Path], ask: Callable[[], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return what ``ask`` answers, from ``file`` where these teachers' answer is kept there."""
    names = [str(path) for path in teachers]
    if file.exists():
        with np.load(file) as kept:
            if kept["teachers"].tolist() == names:
                answer: NDArray[np.float32] = kept["opinions"]
                return answer
    answer = ask()
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, opinions=answer, teachers=np.array(names))
    return answer


def mixed(
    pictures: NDArray[np.float32],
    targets: NDArray[np.float32],
    share: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return pictures (n, h, w, 1), a ``share`` of them blended with a neighbour; labels (n,) too.

    Source: Zhang et al., mixup: Beyond empirical risk minimization, ICLR 2018.
    """
    part = np.where(rng.random(len(targets)) < share, rng.beta(0.4, 0.4, len(targets)), 1.0)
    part = part.astype(np.float32)
    other_targets = np.roll(targets, 1)
    tall = part[:, None, None, None]
    blended = pictures * tall + np.roll(pictures, 1, axis=0) * (1 - tall)
    return blended, targets * part + other_targets * (1 - part)
