"""Adding events to the log, within a transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from gate.audit import chain, identity, rows, schema
from gate.audit.errors import CorruptLog
from gate.audit.tree import Edge
from gate.core.domain import Event, EventKind, Origin, Record


def append(
    connection: Connection,
    events: Sequence[tuple[Event, int | None]],
    origin: Origin,
    clock: tuple[datetime, bool],
) -> tuple[Record, ...]:
    """Write events, each with how long its guest waited (ms), and link them to the last one.

    A `log_begun` event gets its identity here, and begins a new tree.
    """
    sequence, previous = last_link(connection)
    edge = known = identity.read_edge(connection)
    if edge is not None and edge.last != sequence:
        raise CorruptLog(f"audit log: it ends at {sequence}, but its tree at {edge.last}: damaged")
    columns = rows.origin_row(origin)
    origin_id = _shared(connection, schema.origin, columns)
    digest = chain.origin_digest(**columns)
    wall, trusted = clock
    added: list[Record] = []
    leaves: list[bytes] = []
    for given, waited in events:
        event = given
        sequence += 1
        if event.kind is EventKind.LOG_BEGUN:
            log, event = identity.named(event, previous)
            edge, leaves = Edge(log, sequence), []
        place = rows.Place(sequence, rows.milliseconds(wall), trusted, waited, previous)
        what = rows.what_columns(event)
        what_id = _shared(connection, schema.what, what)
        row = rows.event_row(event, place, what_id, origin_id, digest)
        connection.execute(insert(schema.event), row)
        previous = row["digest"]
        leaves.append(previous)
        added.append(rows.record(row | columns | what))
    if edge is None:
        raise CorruptLog("audit log: it has no identity: damaged")
    identity.write_edge(connection, edge.grown(leaves), new=known is None)
    return tuple(added)


def last_link(connection: Connection) -> tuple[int, bytes]:
    """The sequence number and the digest of the newest event; 0 and zeros for a new log.

    Raises CorruptLog.
    """
    table = schema.event.c
    newest = select(table.sequence, table.digest).order_by(table.sequence.desc()).limit(1)
    row = connection.execute(newest).first()
    if row is None:
        return chain.START.sequence, chain.START.digest
    sequence, digest = row
    if not isinstance(digest, bytes) or len(digest) != 32 or not isinstance(sequence, int):
        raise CorruptLog(f"audit log: the digest of event {sequence} is damaged")
    return sequence, digest


def highest_visit(connection: Connection) -> int:
    """The highest visit number ever used, in a pruned event too; 0 where there was none."""
    visit = schema.event.c.visit
    here = connection.execute(select(func.max(visit)).where(visit.is_not(None))).scalar()
    pruned = connection.execute(select(func.max(schema.checkpoint.c.visit))).scalar()
    return max(here or 0, pruned or 0)


def _shared(connection: Connection, table: Table, columns: Mapping[str, Any]) -> int:
    """The id of the row of `what` or `origin` with these columns; it is added if it is new."""
    same = [table.c[name].is_not_distinct_from(value) for name, value in columns.items()]
    known = connection.execute(select(table.c.id).where(*same)).scalar()
    if known is not None:
        return int(known)
    following = 1 + (connection.execute(select(func.max(table.c.id))).scalar() or 0)
    connection.execute(insert(table), {"id": following, **columns})
    return following
