"""``smile-gate card``: the measured parts of a model's card."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("card")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    required=True,
    help="Folder with smiling/ and not_smiling/; may be given several times.",
)
@click.option(
    "--kept-out",
    "lists",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="List of CLASS/FILE names to judge on, for the set that has them.",
)
@click.option(
    "--kept-out-share",
    type=click.FloatRange(0.01, 1.0),
    default=0.2,
    show_default=True,
    help="Share to judge on, by a rule on the file name, of each set that no list names.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TFLite file; the shipped model by default.",
)
@click.option(
    "--card",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The MODEL_CARD.md to fill in; its plots are written beside it.",
)
def command(
    folders: tuple[Path, ...],
    lists: tuple[Path, ...],
    kept_out_share: float,
    model: Path | None,
    card: Path,
) -> None:
    r"""Measure a model on kept-out faces and fill the tables and plots of its card in.

    \b
    Example:
      smile-gate card --data smiles/ --kept-out smiles-test.txt --data genki/ \
        --card models/MODEL_CARD.md
    """
    from gate.smile import Classifier
    from gate.training import cards, compare, data

    sets = compare.read_sets(folders, data.Crops.AUTO, lists, kept_out_share)
    with Classifier(model) as classifier:
        cards.write(card, classifier, sets.kept_out)
    click.echo(f"{card}: metrics, trade, stress and groups measured anew")
