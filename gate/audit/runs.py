"""Runs of the gate, as the log tells them: from `started` to `stopped`, if it came to that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from gate.audit import schema
from gate.audit.query import Query, page
from gate.core.domain import EventKind

ENDS = frozenset({EventKind.STOPPED, EventKind.UNCLEAN_END})
"""After one of these, a run is over."""
UPKEEP = frozenset(
    {
        EventKind.EXPORTED,
        EventKind.PRUNED,
        EventKind.BACKED_UP,
        EventKind.RESTORED,
        EventKind.VERIFIED,
        EventKind.LOG_SET_ASIDE,
        EventKind.SNAPSHOTS_PURGED,
    }
)
"""Events that may stand outside a run: commands write them while the gate is stopped."""


def unfinished(connection: Connection) -> Mapping[str, Any] | None:
    """The row of the last event of a run that never said that it ended; None where all did."""
    newest = _newest_of_each_kind(connection)
    ended = max((newest.get(kind, 0) for kind in ENDS), default=0)
    lived = max((at for kind, at in newest.items() if kind not in ENDS | UPKEEP), default=0)
    if lived <= ended:
        return None
    return page(connection, Query(after=lived - 1), 1)[0]


def _newest_of_each_kind(connection: Connection) -> dict[str, int]:
    """The sequence number of the last event of each kind, each from the index."""
    newest = (
        select(func.max(schema.event.c.sequence))
        .where(schema.event.c.what == schema.what.c.id)
        .scalar_subquery()
    )
    kinds: dict[str, int] = {}
    for kind, sequence in connection.execute(select(schema.what.c.kind, newest)):
        kinds[kind] = max(kinds.get(kind, 0), sequence or 0)
    return kinds
