"""``smile-gate eyes``: train the eye-state model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli.common import example

if TYPE_CHECKING:
    from gate.training.data import Example

FOLDER = click.Path(path_type=Path, file_okay=False)


@example("smile-gate eyes --eyes eyes/ --faces genki/ --out runs/eyes")
@click.command("eyes")
@click.option("--eyes", type=FOLDER, required=True, help="Folder with open/ and closed/ crops.")
@click.option(
    "--faces",
    "folders",
    type=FOLDER,
    multiple=True,
    help="Set of faces (smiling/, not_smiling/) whose eyes the first round labels; repeatable.",
)
@click.option(
    "--kept-out",
    "lists",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="List of CLASS/FILE names of faces that training must not see.",
)
@click.option("--out", type=FOLDER, required=True, help="Folder of the run and of eyes.tflite.")
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--threshold", type=click.FloatRange(0.05, 0.95), default=0.5, show_default=True)
def command(
    eyes: Path,
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    out: Path,
    epochs: int,
    seed: int,
    threads: int,
    threshold: float,
) -> None:
    """Train the model that tells open eyes from closed ones, and judge it on kept-out eyes.

    A fifth of the eyes and of each face set (or what a list names) is never trained on.
    """
    from gate.training import data, export
    from gate.training import eye_model as training

    read = training.read_eyes(eyes, 0.2)
    faces: list[Example] = []
    listed = frozenset(name for path in lists for name in data.read_list(path))
    for folder in folders:
        examples = data.read(folder).examples
        out_of = data.out_of_training([one.key for one in examples], listed, 0.2)
        faces += [one for one in examples if one.key not in out_of]
    click.echo(
        f"{len(read.training)} eyes to learn from, {len(read.kept_out)} kept out,"
        f" {len(faces)} whole faces"
    )
    model = training.train(training.plan("eye-net", epochs, seed, threads), read, faces, out)
    path = out / "eyes.tflite"
    training.write(model, path, export.Precision.FLOAT, threshold)
    click.echo(f"{path}: {training.judged(path, read.kept_out)}")
