"""`smile-gate audit backup`: a verified copy, while the gate works."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.audit.upkeep import back_up, head_of
from gate.cli.audit.options import user, which_log
from gate.cli.common import example, json_option, say_json


@example("smile-gate audit backup /media/usb --config gate.yaml --keep 30")
@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@which_log
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=7,
    show_default=True,
    help="How many copies stay in FOLDER.",
)
@json_option
def command(path: Path, folder: Path, keep: int, as_json: bool) -> None:
    """Copy the log into FOLDER, verify the copy, and drop all but the newest copies."""
    with Store.open(path, mends=False, create=False) as store:
        made = back_up(store, folder, keep=keep, who=user())
    events, head = made.verdict.events, head_of(made.verdict)
    if as_json:
        say_json({"path": str(made.path), "events": events, "head": head})
    else:
        click.echo(f"{made.path}: whole, {events} events, head {head}")
