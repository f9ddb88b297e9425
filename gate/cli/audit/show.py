"""`smile-gate audit show VISIT`: what happened to one guest, and why."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.cli import common
from gate.cli.audit.options import which_log
from gate.cli.audit.show_rows import as_json, as_table
from gate.cli.audit.when import in_words
from gate.cli.common import example
from gate.core.domain import EventKind, Reason, Record
from gate.core.explain import REASONS
from gate.core.text import escaped
from gate.errors import StoreError


@example("smile-gate audit show 812 --config gate.yaml")
@click.command("show")
@click.argument("visit", type=int)
@which_log
@click.option("--json", "json_lines", is_flag=True, help="One JSON object per event.")
def command(visit: int, path: Path, json_lines: bool) -> None:
    """Show everything about one visit, and what it was judged by."""
    with Store.open(path, read_only=True) as store:
        records = list(store.records(visit=visit))
    if not records:
        raise StoreError(f"visit {visit} isn't in the log; `smile-gate audit list` has the visits")
    if json_lines:
        for record in records:
            click.echo(as_json(record))
        return
    console = common.console()
    console.print(_outcome(visit, records), style="bold")
    console.print(as_table(records))
    for origin in dict.fromkeys(record.origin for record in records):
        threshold = "unknown" if origin.threshold is None else f"{origin.threshold:.6g}"
        console.print(
            f"gate {escaped(origin.gate)}, smile-gate {escaped(origin.version) or '?'}, threshold"
            f" {threshold}, model {origin.model[:12] or '?'},"
            f" configuration {origin.config[:12] or '?'}"
        )


def _outcome(visit: int, records: list[Record]) -> str:
    """The visit in one sentence."""
    seen = f"Visit {visit}, {in_words(records[0].wall)}"
    for record in records:
        event = record.event
        if event.kind is EventKind.GRANTED:
            after = "" if record.waited is None else f" after {record.waited:.1f} s"
            return f"{seen}: granted{after} ({event.reason})"
        if event.kind is EventKind.OPERATOR_GRANTED:
            return f"{seen}: granted by {escaped(event.who or 'an operator')}"
        if event.kind is EventKind.VISIT_LEFT:
            return f"{seen}: not granted ({event.reason}): {_why_not(record)}"
    return f"{seen}: not decided"


def _why_not(record: Record) -> str:
    """The sentence of a refusal; of a smile that was missing, by how much."""
    reason, best, needed = record.event.reason, record.event.score, record.origin.threshold
    said = REASONS[reason][0] if reason in REASONS else "nobody knows why"
    if reason is not Reason.NO_SMILE or best is None or needed is None:
        return said
    digits = 2 if round(best, 2) != round(needed, 2) else 4
    return f"{said}; {best:.{digits}f} at best, {needed:.{digits}f} is needed"
