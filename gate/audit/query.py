"""Search for events: every page comes from an index, for ten thousand events as for ten million.

`what` has a few dozen rows, so a filter by event, reason or state is a handful of `what` ids. Each
id's events are in the order of the log in the index `event_what`; a page takes the first hundred
of each and keeps the first hundred of all. A time becomes a range of sequence numbers by way of
`quarter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from gate.audit.rows import millionths, milliseconds
from gate.audit.schema import QUARTER_MS, event, origin, quarter, what
from gate.core.domain import EventKind, Reason, State

PAGE = 500
"""Rows that are read at a time, so that a long listing doesn't hold up the gate."""
_FEW = 20_000
"""Up to this many candidates are read and sorted; beyond it, the log is followed in its order."""


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions on events: all that are given must hold; within a set, any one."""

    since: datetime | None = None
    until: datetime | None = None
    """Before this time."""
    events: frozenset[EventKind] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    states: frozenset[State] = frozenset()
    """The state before or after."""
    visit: int | None = None
    who: str | None = None
    score_from: float | None = None
    score_to: float | None = None
    """Both ends count, 0–1."""
    after: int | None = None
    """Sequence numbers above this one."""
    before: int | None = None
    """Sequence numbers below this one."""


def span(connection: Connection, query: Query) -> tuple[int, int] | None:
    """The first and last sequence number that can match, or None where nothing can."""
    timed = query.since is not None or query.until is not None
    first, last = connection.execute(_ends(query, timed and counted_right(connection))).one()
    if first is None:
        return None
    low = first if query.after is None else max(first, query.after + 1)
    high = last if query.before is None else min(last, query.before - 1)
    return (low, high) if low <= high else None


_GAPS = f"""
    WITH ends AS (SELECT min(sequence) AS oldest, max(sequence) AS newest FROM event),
    spans AS (SELECT quarter, first, last,
        max(last) OVER (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
        FROM quarter)
    SELECT EXISTS (SELECT 1 FROM spans, ends WHERE first > 1 + ifnull(reached, oldest - 1))
        OR (SELECT ifnull(max(last), 0) FROM quarter) < (SELECT ifnull(newest, 0) FROM ends)
        OR EXISTS (
            SELECT 1 FROM quarter JOIN ends
            LEFT JOIN event AS a ON a.sequence = max(first, oldest)
            LEFT JOIN event AS b ON b.sequence = last
            WHERE a.wall / {QUARTER_MS} IS NOT quarter OR b.wall / {QUARTER_MS} IS NOT quarter)"""


def counted_right(connection: Connection, *, anew: bool = False) -> bool:
    """Whether `quarter` may lead a search: each event is in the span of a quarter of an hour.

    Whoever changed it could hide events from a search by time; then the events themselves are
    looked through. It is looked at once in the life of a connection, unless `anew` is said: the
    gate's own triggers keep it, and `verify` compares it with every event.
    """
    known: bool | None = connection.info.get("counted_right")
    if known is None or anew:
        known = not connection.exec_driver_sql(_GAPS).scalar_one()
        connection.info["counted_right"] = known
    return known


def _ends(query: Query, by_quarter: bool) -> Select[Any]:
    if not by_quarter:
        first = select(func.min(event.c.sequence)).scalar_subquery()
        return select(first, select(func.max(event.c.sequence)).scalar_subquery())
    limits: list[ColumnElement[bool]] = []
    if query.since is not None:
        limits.append(quarter.c.quarter >= quarter_of(milliseconds(query.since)))
    if query.until is not None:
        limits.append(quarter.c.quarter <= quarter_of(milliseconds(query.until)))
    return select(func.min(quarter.c.first), func.max(quarter.c.last)).where(*limits)


def quarter_of(wall: int) -> int:
    """The quarter of an hour of a time in UTC milliseconds since 1970."""
    return int(wall / QUARTER_MS)  # towards zero, as SQLite divides


def kinds_of_event(connection: Connection, query: Query) -> list[int] | None:
    """The `what` ids that the query asks for, or None for all."""
    limits: list[ColumnElement[bool]] = []
    if query.events:
        limits.append(what.c.kind.in_(sorted(query.events)))
    if query.reasons:
        limits.append(what.c.reason.in_(sorted(query.reasons)))
    if query.states:
        states = sorted(query.states)
        limits.append(what.c.before.in_(states) | what.c.after.in_(states))
    if not limits:
        return None
    return list(connection.execute(select(what.c.id).where(*limits)).scalars())


def page(
    connection: Connection, query: Query, limit: int = PAGE, *, newest_first: bool = False
) -> list[Mapping[str, Any]]:
    """Up to `limit` rows that match, with the columns of `what` and `origin`."""
    within = span(connection, query)
    kinds = kinds_of_event(connection, query)
    if within is None or kinds == []:
        return []
    order = event.c.sequence.desc() if newest_first else event.c.sequence
    parts = [
        select(select(event.c.sequence).where(*limits).order_by(order).limit(limit).subquery())
        for limits in _ways(connection, query, within, kinds)
    ]
    chosen = union_all(*parts).subquery()
    ordered = chosen.c.sequence.desc() if newest_first else chosen.c.sequence
    picked = event.c.sequence.in_(select(chosen.c.sequence).order_by(ordered).limit(limit))
    rows = connection.execute(full_rows().where(picked).order_by(order))
    return [*rows.mappings()]


def full_rows() -> Select[Any]:
    """Rows of `event` with the columns of their `what` and `origin`."""
    return (
        select(event, what.c.kind, what.c.reason, what.c.before, what.c.after)
        .add_columns(*(column for column in origin.c if column.name != "id"))
        .join_from(event, what, what.c.id == event.c.what)
        .join(origin, origin.c.id == event.c.origin)
    )


def _ways(
    connection: Connection, query: Query, within: tuple[int, int], kinds: list[int] | None
) -> list[list[ColumnElement[bool]]]:
    """The conditions of one search, or of several whose results belong together.

    ``+ 0`` keeps SQLite from following an index where another way is shorter.
    """
    low, high = within
    place = event.c.sequence
    limits = [place >= low, place <= high, *_limits(query)]
    scores = _scores(query)
    filtered = limits + scores
    if kinds is not None:
        filtered.append((event.c.what + 0).in_(kinds))
    if query.visit is not None or query.who is not None or high - low < _FEW:
        return [filtered]
    if scores:
        rare = event.c.what.in_(kinds if kinds is not None else select(what.c.id))
        candidates = select(event.c.what).where(rare, *scores).limit(_FEW).subquery()
        count = connection.execute(select(func.count()).select_from(candidates)).scalar_one()
        if count < _FEW:
            return [[rare, *scores, place + 0 >= low, place + 0 <= high, *_limits(query)]]
    if kinds is not None:
        return [[event.c.what == kind, *limits, *scores] for kind in kinds]
    return [filtered]


def _limits(query: Query) -> list[ColumnElement[bool]]:
    limits: list[ColumnElement[bool]] = []
    if query.since is not None:
        limits.append(event.c.wall >= milliseconds(query.since))
    if query.until is not None:
        limits.append(event.c.wall < milliseconds(query.until))
    if query.visit is not None:
        limits.append(event.c.visit == query.visit)
    if query.who is not None:
        limits.append(event.c.who == query.who)
    return limits


def _scores(query: Query) -> list[ColumnElement[bool]]:
    limits: list[ColumnElement[bool]] = []
    if query.score_from is not None:
        limits.append(event.c.score >= millionths(query.score_from))
    if query.score_to is not None:
        limits.append(event.c.score <= millionths(query.score_to))
    return limits


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
        EventKind.LOG_BEGUN,
        EventKind.LOG_ROLLED_BACK,
        EventKind.WORDS_ERASED,
        EventKind.SNAPSHOTS_PURGED,
    }
)
"""Events that may stand outside a run: commands write them while the gate is stopped."""


def unfinished(connection: Connection) -> Mapping[str, Any] | None:
    """The row of the last event of a run that never said that it ended; None where all did.

    A run goes from `started` to `stopped`, if it came to that.
    """
    newest = _newest_of_each_kind(connection)
    ended = max((newest.get(kind, 0) for kind in ENDS), default=0)
    lived = max((at for kind, at in newest.items() if kind not in ENDS | UPKEEP), default=0)
    if lived <= ended:
        return None
    return page(connection, Query(after=lived - 1), 1)[0]


def _newest_of_each_kind(connection: Connection) -> dict[str, int]:
    """The sequence number of the last event of each kind, each from the index."""
    newest = select(func.max(event.c.sequence)).where(event.c.what == what.c.id).scalar_subquery()
    kinds: dict[str, int] = {}
    for kind, sequence in connection.execute(select(what.c.kind, newest)):
        kinds[kind] = max(kinds.get(kind, 0), sequence or 0)
    return kinds
