"""The eye model's training, as ``smile-gate model train --eyes`` calls it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gate.training.data import Example

SHARE = 0.2
"""Kept out of the eyes, and of each set of faces that no list names."""


def train_eyes(
    eyes: Iterable[Path],
    labelled_faces: Iterable[Path],
    folders: Iterable[Path],
    lists: Iterable[Path],
    out: Path,
    threshold: float,
    changes: dict[str, Any],
) -> None:
    """Train the eye model into ``out`` and say how it judges kept-out eyes.

    ``changes`` are the fields in which the plan is to differ from the eye model's own. Raises
    `GateError`.
    """
    from gate.training import data, export, eye_faces
    from gate.training import eye_model as training

    plan = replace(training.PLAN, **changes)
    read = [training.read_eyes(folder, SHARE) for folder in eyes]
    known = [
        face
        for folder in labelled_faces
        for face in eye_faces.read(folder)
        if not data.kept_out(face.key, SHARE)
    ]
    others: list[Example] = []
    listed = frozenset(name for path in lists for name in data.read_list(path))
    for folder in folders:
        examples = data.read(folder).examples
        out_of = data.out_of_training([one.key for one in examples], listed, SHARE)
        seen = [one for one in examples if one.key not in out_of]
        narrow = eye_faces.narrowed_by_smiles(folder, seen)
        known += narrow
        if not any(one.person for one in seen):
            others += seen
    crops = [eye for part in read for eye in part.training]
    labelled = training.to_learn(crops, known, plan.seed)
    held = [eye for part in read for eye in part.kept_out]
    click.echo(
        f"{len(crops)} eyes and {len(known)} faces to learn from, {len(labelled)} with what is made"
        f" of them; {len(held)} eyes kept out; {len(others)} faces without labels"
    )
    model = training.train(plan, labelled, others, out)
    path = out / "eyes.tflite"
    training.write(model, path, export.Precision.FLOAT, threshold)
    click.echo(f"{path}: {training.judged(path, held)}")
