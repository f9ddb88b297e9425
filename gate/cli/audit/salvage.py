"""`smile-gate audit salvage`: what a damaged log still says."""

from __future__ import annotations

import io
import os
import sys
from contextlib import closing
from pathlib import Path

import click

from gate.audit import export_csv
from gate.audit.errors import explaining
from gate.audit.export_row import holds
from gate.audit.recovery import expected, salvage
from gate.audit.session import Session
from gate.cli.audit.options import must_be_there, which_log
from gate.cli.common import example
from gate.errors import StoreError
from gate.system import durable


@example("smile-gate audit salvage left.csv --database audit.db.damaged-20260501T083000Z")
@click.command("salvage")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@which_log
def command(path: Path, target: Path) -> None:
    """Write every event that can still be read to TARGET (CSV), and say which are missing.

    Exit code 0: all are there. 1: some are missing, or nothing could be read.
    """
    must_be_there(path)
    if os.path.lexists(target):
        raise StoreError(f"salvage {target}: the file is there already; choose another name")
    count = proved = missing = 0
    with (
        closing(Session(path, read_only=True, cut_off=True)) as session,
        explaining(str(target), "salvage"),
    ):
        following, last = expected(session)
        with io.TextIOWrapper(durable.create(target), encoding="utf-8", newline="") as file:
            for row in export_csv.write(file, salvage(session)):
                missing += _missing(following, row["sequence"] - 1)
                following = row["sequence"] + 1
                count += 1
                proved += holds(row)
    missing += _missing(following, last)
    lost = f"; {missing} are missing" if missing else ""
    click.echo(f"{count} events in {target}; {proved} are proved by their digest{lost}")
    if not count and not missing:
        click.echo("How many there were can't be read either; a backup may have them.")
    sys.exit(0 if count and not missing else 1)


def _missing(first: int, last: int) -> int:
    """Say which of these events are missing, all of them; returns how many they are."""
    if first <= last:
        said = f"event {first}" if first == last else f"events {first} to {last}"
        click.echo(f"missing: {said}")
    return max(0, last - first + 1)
