"""``smile-gate model train``: a model from folders of smiling and not smiling faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gate.cli.common import example
from gate.cli.model import options
from gate.cli.model.options import FILE, FOLDER
from gate.cli.model.train_eyes import train_eyes
from gate.training.plan import TrainingPlan

if TYPE_CHECKING:
    from gate.training.data import Reading

SHIPPED = Path("shipped")
"""Stands for the weights that come with the program."""


WITH_EYES = {
    "eyes",
    "eye_faces",
    "folders",
    "lists",
    "out",
    "epochs",
    "seed",
    "threads",
    "threshold",
}
"""The options that the eye model has a use for."""


@example(
    "smile-gate model train --data faces/ --out runs/first"
    "\n  smile-gate model train --data own/ --start shipped --learning-rate 0.0008 --epochs 12"
    " --schedule cosine --out runs/own"
    "\n  smile-gate model train --data smiles/ --kept-out smiles-test.txt --data genki/"
    " --out runs/both"
    "\n  smile-gate model train --eyes eyes/ --data genki/ --out runs/eyes"
)
@click.command("train")
@click.option("--data", "folders", type=FOLDER, multiple=True, help=options.DATA_HELP)
@options.crops
@click.option(
    "--out",
    type=FOLDER,
    required=True,
    help="Folder of the run; the same command goes on with a run that was broken off.",
)
@options.from_plan(TrainingPlan(), *options.PLAN)
@options.kept_out
@options.kept_out_share
@click.option(
    "--validation-share",
    type=click.FloatRange(0.02, 0.5),
    default=0.1,
    show_default=True,
    help="Share of the training faces that choose the best epoch instead.",
)
@options.split_seed
@click.option(
    "--teacher",
    "teachers",
    type=FILE,
    multiple=True,
    help="Keras model whose opinion softens the labels (distillation); may be repeated.",
)
@click.option(
    "--opinions",
    type=FILE,
    help="Table of smile-gate model opinions: counts beside the teachers.",
)
@click.option(
    "--start",
    type=FILE,
    help="Model of the same architecture to begin with (fine-tuning): best.keras of a run, the "
    ".npz of an export, or the word shipped.",
)
@click.option(
    "--recheck/--no-recheck",
    default=True,
    show_default=True,
    help="Train false finds of the face cascade (seen by no other one) as not smiling.",
)
@click.option(
    "--eyes",
    type=FOLDER,
    multiple=True,
    help="Train the eye model, on this folder of single eyes, open/ and closed/; may be repeated.",
)
@click.option(
    "--eye-faces",
    type=FOLDER,
    multiple=True,
    help="With --eyes: faces in open/ and closed/, or a folder of faces whose eyes are open.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.05, 0.95),
    default=0.5,
    show_default=True,
    help="With --eyes: the score from which an eye is open.",
)
@click.pass_context
def command(
    context: click.Context,
    folders: tuple[Path, ...],
    crops: str,
    out: Path,
    plan: TrainingPlan,
    lists: tuple[Path, ...],
    kept_out_share: float,
    validation_share: float,
    split_seed: int,
    teachers: tuple[Path, ...],
    opinions: Path | None,
    start: Path | None,
    recheck: bool,
    eyes: tuple[Path, ...],
    eye_faces: tuple[Path, ...],
    threshold: float,
) -> None:
    """Train a smile model on folders of faces, or the eye model with --eyes.

    Writes best.keras, history.csv and history.png into the run's folder. Break off with Ctrl-C;
    the same command goes on from the last whole epoch.

    With --eyes, the labelled eyes are learnt first, then the eyes of the faces of --data, if there
    are any, and eyes.tflite is written. Faces of --data whose notes (labels.csv) tell persons give
    only their smiles with narrow eyes. A fifth of the eyes and of each set of faces (or what a list
    names) is never trained on. Only --eye-faces, --data, --kept-out, --out, --epochs (40 unless
    told), --seed, --threads and --threshold count then.
    """
    told = {name for name in context.params if _is_told(context, name)}
    if eyes:
        if told - WITH_EYES:
            raise click.UsageError(f"with --eyes there is no {_options(context, told - WITH_EYES)}")
        changes = {name: getattr(plan, name) for name in told & {"epochs", "seed", "threads"}}
        train_eyes(eyes, eye_faces, folders, lists, out, threshold, changes)
        return
    if not folders:
        raise click.UsageError("name a folder of faces with --data")
    if eye_faces:
        raise click.UsageError("--eye-faces is for the eye model; name single eyes with --eyes")
    if "threshold" in told:
        raise click.UsageError("--threshold is for --eyes; export chooses that of a smile model")
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

    console = Console(stderr=True)
    architectures.named(plan.arch)
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
        keras_backend.prepare(plan.seed, plan.threads)
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


def _is_told(context: click.Context, name: str) -> bool:
    """True if the option stands on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _options(context: click.Context, names: set[str]) -> str:
    return ", ".join(param.opts[0] for param in context.command.params if param.name in names)


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
