"""``smile-gate model card``: the measured parts of a model's card."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from gate.cli.common import example
from gate.cli.model import options


@example(
    "smile-gate model card --data smiles/ --kept-out smiles-test.txt --data genki/"
    " --card MODEL_CARD.md"
)
@click.command("card")
@options.folders
@options.kept_out
@options.kept_out_share
@click.option(
    "--model",
    type=options.FILE,
    help="TFLite file; the shipped model by default.",
)
@click.option(
    "--card",
    type=options.FILE,
    required=True,
    help="The MODEL_CARD.md to fill in; its plots are written beside it.",
)
@click.option(
    "--stress",
    "stressed",
    multiple=True,
    help="Name of a set whose stress curves are drawn; may be repeated. All of them unless told.",
)
@click.option("--before", type=options.FILE, help="TFLite file of the model to compare it with.")
def command(
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    kept_out_share: float,
    model: Path | None,
    card: Path,
    stressed: tuple[str, ...],
    before: Path | None,
) -> None:
    """Measure a model on kept-out faces and fill the tables and plots of its card in."""
    from gate.training import compare, model_card
    from gate.vision.classifier import TFLiteClassifier

    sets = compare.read_kept_out(folders, lists, kept_out_share)
    with ExitStack() as stack:
        classifier = stack.enter_context(TFLiteClassifier(model))
        earlier = stack.enter_context(TFLiteClassifier(before)) if before else None
        named = {folder.name: folder for folder in folders}
        model_card.write(card, classifier, sets, named, stressed, earlier)
    click.echo(f"{card}: its tables measured anew")
