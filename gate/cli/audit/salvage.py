"""`smile-gate audit salvage`: what a damaged log still says."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from gate.audit.export_row import COLUMNS, Flat, holds
from gate.audit.recovery import salvage
from gate.audit.session import Session
from gate.cli.audit.options import must_be_there, which_log
from gate.cli.common import example
from gate.errors import StoreError


@example("smile-gate audit salvage left.csv --database audit.db.damaged-20260501T083000Z")
@click.command("salvage")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@which_log
def command(path: Path, target: Path) -> None:
    """Write every event that can still be read to TARGET (CSV), and say which are missing."""
    must_be_there(path)
    if target.exists():
        raise StoreError(f"salvage {target}: the file is there already; choose another name")
    counts = {"read": 0, "proved": 0}
    last = None
    with (
        closing(Session(path, read_only=True, cut_off=True)) as session,
        target.open("x", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in _counted(salvage(session), counts):
            if last is not None and row["sequence"] != last + 1:
                click.echo(f"missing: events {last + 1} to {row['sequence'] - 1}")
            last = row["sequence"]
            writer.writerow(row)
    click.echo(
        f"{counts['read']} events in {target}; {counts['proved']} are proved by their digest"
    )


def _counted(rows: Iterator[Flat], counts: dict[str, int]) -> Iterator[Flat]:
    for row in rows:
        counts["read"] += 1
        counts["proved"] += holds(row)
        yield row
