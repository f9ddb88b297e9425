"""Whose events these are: the log's identity, its tree, and from where on which rule holds.

The event `log_begun` gives a log 16 random bytes: a new log begins with it, an old one gets it with
the upgrade to layout 2, and a log whose history could fork (put back, cut off) gets a new one. An
event's key, for whoever collects the events of many gates, is (log, sequence).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select

from gate.audit import schema, tree
from gate.audit.chain import Rules
from gate.audit.errors import CorruptLog
from gate.audit.schema import checkpoint, event, what
from gate.audit.session import bare
from gate.audit.tree import Edge
from gate.core.domain import Event, EventKind

_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Begun:
    """A `log_begun` event that is there."""

    sequence: int
    log: bytes
    before: bytes
    """The digest before it."""


def named(begin: Event, previous: bytes) -> tuple[bytes, Event]:
    """A new identity, and the `log_begun` event with it; its detail so far says why."""
    log = secrets.token_bytes(16)
    detail = {"log": log.hex(), "before": previous.hex(), "why": begin.detail or "new log"}
    return log, replace(begin, detail=json.dumps(detail))


def begun(connection: Connection) -> list[Begun]:
    """The `log_begun` events that are there, the oldest first.

    Raises ValueError, KeyError where one doesn't say what it must.
    """
    found = []
    for sequence, detail in connection.execute(_said(EventKind.LOG_BEGUN)):
        said = json.loads(detail)
        log, before = bytes.fromhex(said["log"]), bytes.fromhex(said["before"])
        if (len(log), len(before)) != (16, 32):
            raise ValueError(f"event {sequence} gives the log no identity")
        found.append(Begun(sequence, log, before))
    return found


def rules(connection: Connection, layout: int = schema.VERSION) -> Rules:
    """What the log's rows are followed by."""
    if layout == 1:
        return Rules(_NEVER)
    query = select(checkpoint.c.log).order_by(checkpoint.c.last.desc()).limit(1)
    pruned = connection.execute(query).scalar()
    first = connection.execute(_said(EventKind.LOG_BEGUN).limit(1)).first()
    second = 1 if pruned is not None else _NEVER if first is None else first.sequence
    return Rules(second, frozenset(_erased(connection)))


def _erased(connection: Connection) -> Iterator[int]:
    for sequence, detail in connection.execute(_said(EventKind.WORDS_ERASED)):
        try:
            number = json.loads(detail)["event"]
        except (TypeError, ValueError, LookupError):
            continue
        if isinstance(number, int) and number < sequence:
            yield number


def _said(kind: EventKind) -> Any:
    return (
        select(event.c.sequence, event.c.detail)
        .join(what, what.c.id == event.c.what)
        .where(what.c.kind == kind)
        .order_by(event.c.sequence)
    )


_READ = "SELECT log, begun, size, hashes FROM edge"
_WRITE = "UPDATE edge SET log = ?, begun = ?, size = ?, hashes = ?"


def read_edge(connection: Connection) -> Edge | None:
    """The right edge of the tree as the log keeps it; None in a log without events.

    Raises CorruptLog.
    """
    row = connection.exec_driver_sql(_READ).first()
    if row is None:
        return None
    try:
        return tree.unpacked(*row)
    except (TypeError, ValueError) as error:
        raise CorruptLog(f"audit log: it is damaged; {error}") from error


def write_edge(connection: Connection, edge: Edge, *, new: bool) -> None:
    """Keep the edge."""
    values = (edge.log, edge.begun, edge.size, edge.packed())
    if new:
        columns = dict(zip(("log", "begun", "size", "hashes"), values, strict=True))
        connection.execute(insert(schema.edge), {"id": 1, **columns})
    else:
        connection.exec_driver_sql(_WRITE, values)


def edge_after(connection: Connection, last: int) -> Edge | None:
    """The edge after the event `last`, by the events and what the newest pruning kept of others.

    None where that event is older than the log's first `log_begun`.
    """
    base = kept_edge(connection)
    for one in begun(connection):
        if one.sequence <= last:
            base = Edge(one.log, one.sequence)
    if base is None:
        return None
    return base.grown(digests(connection, base.last, last))


def kept_edge(connection: Connection) -> Edge | None:
    """The edge that the newest pruning kept; None where there is none."""
    query = (
        select(checkpoint.c.last, checkpoint.c.log, checkpoint.c.begun, checkpoint.c.edge)
        .order_by(checkpoint.c.last.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None or row.log is None else edge_of(row)


def edge_of(row: Any) -> Edge:
    """The edge in a row of `checkpoint`.

    Raises ValueError.
    """
    return tree.unpacked(row.log, row.begun, row.last - row.begun + 1, row.edge)


def digests(connection: Connection, after: int, until: int) -> Iterator[bytes]:
    """The digests of the events after one, up to another."""
    query = "SELECT digest FROM event WHERE sequence > ? AND sequence <= ? ORDER BY sequence"
    for (digest,) in bare(connection).execute(query, (after, until)):  # ten million of them
        yield digest
