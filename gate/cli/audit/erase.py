"""`smile-gate audit erase NUMBER`: take a name out of the log, on record."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.audit.erase import erase
from gate.cli.audit.options import user, which_log
from gate.cli.common import example


@example('smile-gate audit erase 812 --reason "asked for by letter, 2 May" --config gate.yaml')
@click.command("erase")
@click.argument("number", type=click.IntRange(min=1))
@which_log
@click.option("--reason", required=True, help="Why; it stands in the log. Don't repeat the name.")
def command(path: Path, number: int, reason: str) -> None:
    """Erase the words of event NUMBER: who, and the detail; the log stays verifiable.

    Everything else of the event stays. Another event says that the words were erased, by whom and
    why. Backups and exports made before still have them.
    """
    with Store.open(path, mends=False, create=False) as store:
        erase(store, number, who=user(), reason=reason)
    click.echo(f"event {number}: its words are erased, and the log says so")
