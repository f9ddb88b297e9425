"""``smile-gate model keep-out``: a list of the faces that no training may see."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import example
from gate.cli.model import options


@example("smile-gate model keep-out --data faces/one --data faces/two --out kept-out.txt")
@click.command("keep-out")
@options.folders
@click.option(
    "--share",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.15,
    show_default=True,
    help="About how many of the people in each set.",
)
@click.option("--out", type=options.FILE, required=True, help="The list, for --kept-out.")
def command(folders: tuple[Path, ...], share: float, out: Path) -> None:
    """Choose the faces to be kept out of all training, by person.

    Persons are those of labels.csv beside the sets; where none is named, near copies stay together.
    """
    from gate.system import durable
    from gate.training import keep_out

    names: list[str] = []
    for folder in folders:
        chosen = keep_out.chosen(folder, share)
        click.echo(f"{folder}: {len(chosen)} kept out")
        names += chosen
    durable.write(out, "".join(f"{name}\n" for name in names).encode())
