"""Records as JSON for scripts and as a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.table import Table

from gate.cli.audit.when import local_time, zone_of
from gate.core.domain import Record
from gate.core.text import escaped

_COLOURS = {
    "granted": "green",
    "operator_granted": "cyan",
    "visit_left": "yellow",
    "fault": "bold red",
    "emergency": "bold red",
    "unclean_end": "red",
    "log_set_aside": "bold red",
}


def as_json(record: Record) -> str:
    """One JSON object, one line; times are UTC, `monotonic` and `waited` seconds."""
    event, origin = record.event, record.origin
    fields: dict[str, Any] = {
        "sequence": record.sequence,
        "wall": record.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "clock_trusted": record.clock_trusted,
        "monotonic": event.monotonic,
        "event": event.kind,
        "reason": event.reason,
        "visit": event.visit,
        "before": event.before,
        "after": event.after,
        "score": event.score,
        "frames": event.frames,
        "frame": event.frame,
        "waited": record.waited,
        "who": event.who,
        "detail": event.detail,
        "gate": origin.gate,
        "boot": origin.boot,
        "version": origin.version,
        "model": origin.model,
        "config": origin.config,
        "threshold": origin.threshold,
        "digest": record.digest,
    }
    return escaped(json.dumps(fields, ensure_ascii=False))


def as_table(records: Iterable[Record]) -> Table:
    """A table in local time, whose zone it names.

    A time from a clock that wasn't synchronised has a question mark.

    A column in which no record says anything is left out, so that the details have room.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown = list(records)
    rows = [_cells(record) for record in shown]
    kept = [at for at, name in enumerate(_COLUMNS) if at < 3 or any(row[at] for row in rows)]
    zones = "/".join(sorted({zone_of(record.wall) for record in shown}))
    for at in kept:
        name = _COLUMNS[at]
        title = f"time, {zones}" if name == "time" else name
        right = name in ("no.", "visit", "score", "frames")
        table.add_column(title, justify="right" if right else "left", no_wrap=name != "detail")
    for record, row in zip(shown, rows, strict=True):
        table.add_row(*(row[at] for at in kept), style=_COLOURS.get(record.event.kind))
    return table


_COLUMNS = ("no.", "time", "event", "reason", "visit", "score", "frames", "who", "detail")


def _cells(record: Record) -> tuple[str, ...]:
    event = record.event
    return (
        str(record.sequence),
        local_time(record.wall) + ("" if record.clock_trusted else "?"),
        event.kind,
        event.reason or "",
        "" if event.visit is None else str(event.visit),
        "" if event.score is None else f"{event.score:.2f}",
        "" if event.frames is None else str(event.frames),
        escaped(event.who or ""),
        escaped(event.detail or ""),
    )


def as_line(record: Record) -> str:
    """A line for somebody who watches the log."""
    event = record.event
    parts = [f"{record.sequence:>8}", local_time(record.wall), event.kind]
    parts += [escaped(part) for part in (event.reason, event.who, event.detail) if part]
    parts += [f"visit {event.visit}"] if event.visit is not None else []
    return "  ".join(parts)
