"""``smile-gate train``: a model from folders of smiling and not smiling faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli.common import example
from gate.cli.model import options

if TYPE_CHECKING:
    from gate.training.data import Reading

SHIPPED = Path("shipped")
"""Stands for the weights that come with the program."""


@example(
    "smile-gate train --data faces/ --out runs/first"
    "\n  smile-gate train --data own/ --start shipped --learning-rate 0.0008 --epochs 12"
    " --schedule cosine --out runs/own"
    "\n  smile-gate train --data smiles/ --kept-out smiles-test.txt --data genki/ --out runs/both"
)
@click.command("train")
@options.folders
@options.crops
@click.option("--arch", default="gate-net", show_default=True, help="Architecture, by name.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the run; the same command goes on with a run that was broken off.",
)
@click.option("--epochs", type=click.IntRange(1), default=60, show_default=True)
@click.option(
    "--batch",
    type=click.IntRange(2),
    show_default="128, fewer for a small set",
    help="Faces a step.",
)
@options.seed
@options.threads
@options.kept_out
@options.kept_out_share
@click.option(
    "--validation-share", type=click.FloatRange(0.02, 0.5), default=0.1, show_default=True
)
@click.option(
    "--split-seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Which faces validate; the same for a teacher and its pupil.",
)
@click.option(
    "--teacher",
    "teachers",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Keras model whose opinion softens the labels (distillation); may be repeated.",
)
@click.option(
    "--trust",
    type=click.FloatRange(0.0, 1.0),
    default=0.5,
    show_default=True,
    help="Weight of the teachers' opinion against the label.",
)
@click.option(
    "--opinions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table of smile-gate opinions: counts beside the teachers.",
)
@click.option(
    "--smoothing",
    type=click.FloatRange(0.0, 0.5),
    default=0.05,
    show_default=True,
    help="How far labels are drawn towards the middle: none of them is certain.",
)
@click.option(
    "--normalisation",
    type=click.Choice(["standard", "equalised"]),
    default="standard",
    show_default=True,
)
@click.option(
    "--schedule",
    type=click.Choice(["plateau", "cosine"]),
    default="plateau",
    show_default=True,
    help="plateau: cut the learning rate when it stalls, stop early; cosine: all epochs.",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Model of the same architecture to begin with (fine-tuning): best.keras of a run, the "
    ".npz of an export, or the word shipped.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0.0, min_open=True),
    default=3e-3,
    show_default=True,
    help="Highest learning rate; a third of it or less for fine-tuning.",
)
@click.option(
    "--mixing",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    show_default=True,
    help="Share of pictures blended with another one (mixup).",
)
@click.option(
    "--recheck/--no-recheck",
    default=True,
    show_default=True,
    help="Train false finds of the face cascade (seen by no other one) as not smiling.",
)
def command(
    folders: tuple[Path, ...],
    crops: str,
    arch: str,
    out: Path,
    epochs: int,
    batch: int | None,
    seed: int,
    threads: int,
    lists: tuple[Path, ...],
    kept_out_share: float,
    validation_share: float,
    split_seed: int,
    teachers: tuple[Path, ...],
    trust: float,
    opinions: Path | None,
    smoothing: float,
    normalisation: str,
    schedule: str,
    start: Path | None,
    learning_rate: float,
    mixing: float,
    recheck: bool,
) -> None:
    """Train a smile model on folders of faces.

    Writes best.keras, history.csv and history.png into the run's folder. Break off with Ctrl-C;
    the same command goes on from the last whole epoch.
    """
    from rich.console import Console

    from gate.training import (
        architectures,
        batches,
        data,
        export,
        external_teachers,
        fit,
        keras_backend,
        plots,
        run_record,
    )
    from gate.training.plan import TrainingPlan
    from gate.vision.model_input import Normalisation

    console = Console(stderr=True)
    architectures.named(arch)
    plan = TrainingPlan(
        arch=arch,
        epochs=epochs,
        batch=batch,
        seed=seed,
        threads=threads,
        trust=trust,
        smoothing=smoothing,
        normalisation=Normalisation(normalisation),
        schedule=schedule,
        mixing=mixing,
        learning_rate=learning_rate,
    )
    source = run_record.RunRecord(
        plan=plan,
        folders=tuple(map(str, folders)),
        crops=data.Crops(crops),
        lists=tuple(map(str, lists)),
        kept_out_share=kept_out_share,
        validation_share=validation_share,
        split_seed=split_seed,
        recheck=recheck,
        start=str(start or ""),
        teachers=tuple(map(str, teachers)),
        opinions=str(opinions or ""),
    )
    training, validation = source.examples(
        lambda folder, reading, kept: _tell(console.print, folder, reading, kept)
    )
    soft = None
    if teachers:
        keras_backend.prepare(seed, threads)
        console.print(f"asking {len(teachers)} teachers about {len(training)} faces")
        soft = batches.remembered(
            out / "opinions.npz",
            teachers,
            lambda: batches.opinions([export.load(path) for path in teachers], training, plan),
        )
    if opinions is not None:
        soft = batches.together(soft, external_teachers.read(opinions, training), plan.outside)
    run = fit.Run(plan, training, validation, out, soft, _weights(start) if start else None)
    source.write(out)
    if run.history:
        console.print(f"going on after epoch {len(run.history)}")
    try:
        with plots.watching(console) as watch:
            run.go(watch)
    except KeyboardInterrupt:
        raise click.ClickException(
            f"stopped after epoch {len(run.history)}; the same command goes on from there"
        ) from None
    finally:
        if run.history:
            plots.history(run.history, out)
    best = min(run.history, key=lambda epoch: epoch.validation_loss)
    click.echo(
        f"{out / 'best.keras'}: best of {len(run.history)} epochs is {best.epoch}, validation "
        f"accuracy {best.validation_accuracy:.4f}, AUC {best.validation_auc:.4f} on "
        f"{len(validation)} faces"
    )


def _weights(start: Path) -> Any:
    from gate.system import resources
    from gate.training import export

    return export.load(resources.path("models/smile.npz") if start == SHIPPED else start)


def _tell(say, folder: Path, reading: Reading, kept_out: int) -> None:  # type: ignore[no-untyped-def]  # rich's print
    smiles = sum(example.label for example in reading.examples)
    line = (
        f"{folder}: {len(reading.examples)} faces ({smiles} smiling), cut as {reading.crops}, "
        f"{kept_out} kept out"
    )
    if reading.unreadable:
        line += f", {len(reading.unreadable)} unreadable (first: {reading.unreadable[0].name})"
    if reading.doubtful:
        line += f", {len(reading.doubtful)} false finds trained as not smiling"
    if reading.no_face:
        line += f", {len(reading.no_face)} without a face"
    say(line)
