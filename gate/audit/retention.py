"""Deletion of old events, recorded in the log: a gap is either explained or a finding.

A pruning is one event, `pruned`, and one checkpoint, which together name the events that go and
the digest of the last of them; only then do the triggers let those rows go, and nothing else.
Where the deleting is interrupted, the next pruning finishes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from gate.audit.append import highest_visit
from gate.audit.query import quarter_of
from gate.audit.rows import milliseconds
from gate.audit.schema import checkpoint, event, quarter
from gate.audit.session import Session
from gate.core.domain import Event, EventKind, Record

CHUNK = 2_000
"""Rows deleted in one transaction: the gate can record its next event in between."""
_ROOM = 0.9
"""Pruning by size goes down to this part of the limit, so that it isn't needed again at once."""
_EMPTY = 80_000
"""Bytes of a log without events: a page for each table and index."""
_FUTURE = timedelta(days=1)
"""An event dated further ahead than this had a wrong clock, and doesn't hold up pruning."""

Append = Callable[[Connection, list[Event]], tuple[Record, ...]]
"""Writes events within a transaction, as `Store.append` does."""

Through = Callable[[Connection], int]
"""Gives the last event to delete, counted from the oldest; 0 for none."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """The events that a pruning deleted."""

    first: int
    last: int
    digest: bytes

    @property
    def count(self) -> int:
        """Number of events."""
        return self.last - self.first + 1


def pruned_detail(first: int, last: int, visit: int, digest: bytes) -> str:
    """Detail of a `pruned` event: the events that go, the highest visit, the last one's digest."""
    return json.dumps(
        {
            "count": last - first + 1,
            "first": first,
            "last": last,
            "visit": visit,
            "digest": digest.hex(),
        }
    )


def last_before(connection: Connection, time: datetime, now: datetime) -> int:
    """The last of the oldest events that are all older than `time`; 0 where there is none."""
    limit, future = milliseconds(time), milliseconds(now + _FUTURE)
    wall = event.c.wall
    keep = (
        select(func.min(event.c.sequence))
        .where(wall >= limit, wall <= future)
        .where(event.c.sequence >= quarter.c.first, event.c.sequence <= quarter.c.last)
    )
    near = quarter.c.quarter.between(quarter_of(limit), quarter_of(future))
    firsts = (
        select(quarter.c.first, keep.correlate(quarter).scalar_subquery())
        .where(near)
        .order_by(quarter.c.first)
    )
    for _, sequence in connection.execute(firsts):
        if sequence is not None:
            return int(sequence) - 1
    return connection.execute(select(func.max(event.c.sequence))).scalar() or 0


def last_beyond(connection: Connection, limit: int) -> int:
    """The last of the oldest events that must go for the log to use `limit` bytes; 0 for none."""
    used = used_bytes(connection)
    first, last = connection.execute(
        select(func.min(event.c.sequence), func.max(event.c.sequence))
    ).one()
    if first is None or used <= limit:
        return 0
    share = max(limit * _ROOM - _EMPTY, 0) / max(used - _EMPTY, 1)
    return int(last) - int((last - first + 1) * share)


def used_bytes(connection: Connection) -> int:
    """Bytes of the file that hold something; SQLite fills the free ones before the file grows."""
    pages, free, size = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def prune(
    session: Session,
    append: Append,
    through: Through,
    *,
    monotonic: float,
    who: str | None = None,
) -> Pruned | None:
    """Delete the oldest events, up to the one that `through` names; None where there are none.

    Raises StoreError.
    """
    with session.writing() as connection:
        pruned = _announce(connection, append, through(connection), monotonic, who)
    while _delete_some(session):
        pass
    return pruned


def _announce(
    connection: Connection, append: Append, last: int, monotonic: float, who: str | None
) -> Pruned | None:
    before = connection.execute(select(func.max(checkpoint.c.last))).scalar() or 0
    digest = connection.execute(select(event.c.digest).where(event.c.sequence == last)).scalar()
    if last <= before or digest is None:
        return None
    visit = highest_visit(connection)
    detail = pruned_detail(before + 1, last, visit, digest)
    (record,) = append(connection, [Event(EventKind.PRUNED, monotonic, who=who, detail=detail)])
    row = {"first": before + 1, "last": last, "visit": visit, "digest": digest}
    connection.execute(insert(checkpoint), {"sequence": record.sequence, **row})
    return Pruned(before + 1, last, digest)


def _delete_some(session: Session) -> bool:
    """Delete up to `CHUNK` events that a checkpoint covers; whether there may be more."""
    with session.writing() as connection:
        first = connection.execute(select(func.min(event.c.sequence))).scalar() or 0
        covered = connection.execute(select(func.max(checkpoint.c.last))).scalar() or 0
        last = min(first + CHUNK - 1, covered)
        if first <= last:
            connection.execute(delete(event).where(event.c.sequence <= last))
        return last < covered and first <= covered
