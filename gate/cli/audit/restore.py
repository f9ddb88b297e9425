"""`smile-gate audit restore`: a backup in the log's place."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.audit import Store
from gate.audit.backup import restore
from gate.cli.audit.options import user, which_log
from gate.cli.common import example
from gate.core.domain import Event, EventKind


@example(
    "smile-gate audit restore /media/usb/audit-20260501T030000Z.db --config gate.yaml --replace"
)
@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@which_log
@click.option(
    "--replace", is_flag=True, help="Set the log that is there aside (it is renamed, not deleted)."
)
def command(path: Path, backup: Path, replace: bool) -> None:
    """Put a backup in the log's place, once it is verified; the gate must be stopped.

    The log that was there is renamed, never deleted, and the restored log says so; it gets a new
    identity, as it gives numbers again that the replaced one gave.
    """
    aside = restore(path, backup, now=datetime.now(UTC), replace=replace)
    detail = json.dumps({"backup": backup.name, "replaced": aside.name if aside else None})
    with Store.open(path) as store:
        event = Event(EventKind.RESTORED, time.monotonic(), who=user(), detail=detail)
        (record,) = store.begin_anew([event], "restored")
    click.echo(f"{path}: restored, {record.sequence - 2} events" + _kept(aside))


def _kept(aside: Path | None) -> str:
    return f"; the old log is {aside}" if aside else ""
