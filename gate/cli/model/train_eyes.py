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
    eyes: Path,
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
    from gate.training import data, export
    from gate.training import eye_model as training

    read = training.read_eyes(eyes, SHARE)
    faces: list[Example] = []
    listed = frozenset(name for path in lists for name in data.read_list(path))
    for folder in folders:
        examples = data.read(folder).examples
        out_of = data.out_of_training([one.key for one in examples], listed, SHARE)
        faces += [one for one in examples if one.key not in out_of]
    click.echo(
        f"{len(read.training)} eyes to learn from, {len(read.kept_out)} kept out,"
        f" {len(faces)} whole faces"
    )
    model = training.train(replace(training.PLAN, **changes), read, faces, out)
    path = out / "eyes.tflite"
    training.write(model, path, export.Precision.FLOAT, threshold)
    click.echo(f"{path}: {training.judged(path, read.kept_out)}")
