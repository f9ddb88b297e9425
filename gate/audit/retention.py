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
from statistics import median_low

from sqlalchemy import Connection, delete, func, insert, select

from gate.audit.append import highest_visit
from gate.audit.identity import edge_after
from gate.audit.query import counted_right, quarter_of
from gate.audit.rows import MILLISECOND, milliseconds, moment
from gate.audit.schema import checkpoint, event, quarter
from gate.audit.session import Session
from gate.audit.tree import Edge
from gate.core.domain import Event, EventKind, Record
from gate.errors import StoreError

CHUNK = 2_000
"""Rows deleted in one transaction: the gate can record its next event in between."""
_ROOM = 0.9
"""Pruning by size goes down to this part of the limit, so that it isn't needed again at once."""
_EMPTY = 80_000
"""Bytes of a log without events: a page for each table and index."""
_FUTURE = timedelta(days=1)
"""An event dated further ahead than this had a wrong clock, and doesn't hold up pruning."""
_SAMPLE = 5
"""So many events tell the time of one: two of them may have been written by a wrong clock."""
A_TIME = timedelta(days=7)
"""By age, one pruning deletes events of so many days: a night brings one day, and a clock that is
wrong for a night costs no more than this."""
JUMP = timedelta(days=90)
"""Where the clock made a longer leap than this between the events to delete and those to keep, it
is the clock that isn't believed."""

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


def pruned_detail(first: int, last: int, visit: int, digest: bytes, edge: Edge | None) -> str:
    """What a `pruned` event says.

    Which events go, the highest visit, the last one's digest; and of the tree after that one whose
    log it is, where it begins, and its root: nothing before the log's first `log_begun`.
    """
    said: dict[str, object] = {
        "count": last - first + 1,
        "first": first,
        "last": last,
        "visit": visit,
        "digest": digest.hex(),
    }
    if edge is not None:
        said |= {"log": edge.log.hex(), "begun": edge.begun, "root": edge.root.hex()}
    return json.dumps(said)


def last_believed(connection: Connection, time: datetime, now: datetime) -> int:
    """The same as `last_before`, but no more than a wrong clock may cost.

    No more than the events of `A_TIME`, and none where the clock leapt by more than `JUMP` between
    them and the events that stay.

    Raises StoreError, one line, where it leapt.
    """
    last = last_before(connection, time, now)
    first = connection.execute(select(func.min(event.c.sequence))).scalar()
    if first is None or last < first:
        return 0
    following = _walls(connection, last + 1, last + 1)
    kept = following[0] if following else milliseconds(now)
    gone = _walls(connection, last - _SAMPLE + 1, last)
    if kept - gone[-1] > JUMP // MILLISECOND:
        days = (kept - gone[-1]) // (timedelta(days=1) // MILLISECOND)
        raise StoreError(
            f"the clock leapt by {days} days after event {last}, so it isn't believed and nothing"
            " is deleted by age; if it is right, run `smile-gate audit prune --trust-clock`"
        )
    oldest = _walls(connection, first, first + _SAMPLE - 1)
    return min(last, last_before(connection, moment(median_low(oldest)) + A_TIME, now))


def _walls(connection: Connection, first: int, last: int) -> list[int]:
    """The times of these events, UTC milliseconds since 1970, in the order of time.

    Several are asked for, as one of them may have had a wrong clock.
    """
    query = select(event.c.wall).where(event.c.sequence.between(first, last))
    return sorted(connection.execute(query).scalars())


def last_before(connection: Connection, time: datetime, now: datetime) -> int:
    """The last of the oldest events that are all older than `time`; 0 where there is none."""
    limit, future = milliseconds(time), milliseconds(now + _FUTURE)
    wall = event.c.wall
    if not counted_right(connection, anew=True):
        found = connection.execute(
            select(func.min(event.c.sequence)).where(wall >= limit, wall <= future)
        ).scalar()
        newest = connection.execute(select(func.max(event.c.sequence))).scalar() or 0
        return newest if found is None else int(found) - 1
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
    edge = edge_after(connection, last)
    detail = pruned_detail(before + 1, last, visit, digest, edge)
    (record,) = append(connection, [Event(EventKind.PRUNED, monotonic, who=who, detail=detail)])
    row = {"first": before + 1, "last": last, "visit": visit, "digest": digest}
    if edge is not None:
        row |= {"log": edge.log, "begun": edge.begun, "edge": edge.packed()}
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
