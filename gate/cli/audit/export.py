"""`smile-gate audit export`: events for somebody else."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.audit import Query, Store
from gate.audit.export import export, manifest_path
from gate.audit.export_format import Format, format_of
from gate.audit.session import Session
from gate.cli.audit.options import must_be_there, user, which_events, which_log
from gate.cli.audit.progress import shown
from gate.cli.common import example
from gate.core.domain import Event, EventKind
from gate.errors import StoreError


@example(
    "smile-gate audit export may.csv --since 2026-05-01 --until 2026-06-01\n  "
    "smile-gate audit export refused.db --event visit_left"
)
@click.command("export")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@which_log
@which_events
@click.option(
    "--format",
    "form",
    type=click.Choice([*map(str, Format)]),
    help="What is in TARGET; by default its suffix says it: .csv, .db or .parquet.",
)
@click.option(
    "--for-spreadsheet",
    is_flag=True,
    help="CSV with a byte-order mark, in which nothing is a formula; it can't be verified.",
)
@click.option("--bom", is_flag=True, help="CSV with a byte-order mark; it can be verified.")
@click.option("--no-record", is_flag=True, help="Don't record the export: for a copy of a log.")
def command(
    path: Path,
    target: Path,
    query: Query,
    form: str | None,
    for_spreadsheet: bool,
    bom: bool,
    no_record: bool,
) -> None:
    """Write the events that match to TARGET, and a manifest beside it.

    CSV has the names and units of `audit list --json`, and the local time with its offset; SQLite
    and Parquet have the log's own whole numbers.

    The export is recorded in the log. `audit verify --database TARGET` checks it without the log.
    """
    must_be_there(path)
    if os.path.lexists(target):
        raise StoreError(f"export {target}: the file is there already; choose another name")
    chosen = format_of(target, None if form is None else Format(form))
    options = {"for_spreadsheet": for_spreadsheet, "bom": bom}
    with closing(Session(path, read_only=True)) as session, shown() as watch:
        manifest = export(session, query, target, chosen, datetime.now(UTC), watch=watch, **options)
    click.echo(f"{manifest['events']} events in {target}, manifest {manifest_path(target).name}")
    if for_spreadsheet:
        click.echo("It is for people and can't be verified; without --for-spreadsheet it can.")
    if not no_record:
        said = {name: manifest[name] for name in ("file", "sha256", "events", "first", "last")}
        with Store.open(path, mends=False, create=False) as store:
            detail = json.dumps(said)
            store.record([Event(EventKind.EXPORTED, time.monotonic(), who=user(), detail=detail)])
