"""`smile-gate audit backup`: a verified copy, while the gate works."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.audit.upkeep import back_up, head_of
from gate.cli.audit.options import user, which_log
from gate.cli.common import example


@example("smile-gate audit backup /media/usb --config gate.yaml --keep 30")
@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@which_log
@click.option("--keep", type=click.IntRange(min=1), default=7, show_default=True, help="Copies.")
def command(path: Path, folder: Path, keep: int) -> None:
    """Copy the log into FOLDER, verify the copy, and drop all but the newest copies."""
    with Store.open(path, mends=False, create=False) as store:
        made = back_up(store, folder, keep=keep, who=user())
    click.echo(f"{made.path}: whole, {made.verdict.events} events, head {head_of(made.verdict)}")
