"""Do the counts for the statistics and for searching by time agree with the events?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from gate.audit.chain import Link
from gate.audit.schema import QUARTER_MS, event, quarter, tally
from gate.audit.verify.findings import Harm, LogFinding

_PART = 100_000
"""Events that are counted at a time, so that little memory is needed."""
_STRANGE = {
    "event": "typeof(digest) <> 'blob' OR 'blob' IN (typeof(who), typeof(detail))",
    "what": "'blob' IN (typeof(kind), typeof(reason), typeof(before), typeof(after))",
    "origin": "'blob' IN (typeof(gate), typeof(boot), typeof(version), typeof(model),"
    " typeof(config))",
}
"""Rows with bytes for text or text for bytes, which the chain can't tell apart: a damaged page."""
_COUNT = f"""
    SELECT wall / {QUARTER_MS}, what, count(*), min(sequence), max(sequence),
        total({_STRANGE["event"]})
    FROM event NOT INDEXED WHERE sequence BETWEEN ? AND ? GROUP BY 1, 2"""


def miscounted(connection: Connection, first: Link, end: Link) -> Iterator[LogFinding]:
    """Counts that don't agree with the events, in one look at each event."""
    counts: Counter[tuple[int, int]] = Counter()
    spans: dict[int, tuple[int, int]] = {}
    strange = 0.0
    for low in range(first.sequence, end.sequence + 1, _PART):
        part = (low, min(low + _PART - 1, end.sequence))
        for at, what, count, lowest, highest, odd in connection.exec_driver_sql(_COUNT, part):
            counts[at, what] += count
            old = spans.get(at, (lowest, highest))
            spans[at] = min(old[0], lowest), max(old[1], highest)
            strange += odd
    for table in ("what", "origin"):
        query = f"SELECT count(*) FROM {table} WHERE {_STRANGE[table]}"
        strange += connection.exec_driver_sql(query).scalar_one()
    if strange:
        said = f"{strange:.0f} rows have a value of another kind than is written"
        yield LogFinding(Harm.UNREADABLE, None, said)
    tallied = {(at, what): count for at, what, count in connection.execute(select(tally))}
    if counts != tallied:
        yield LogFinding(Harm.MISCOUNTED, None, "the statistics don't agree with the events")
    kept = {at: (low, high) for at, low, high in connection.execute(select(quarter))}
    if kept.keys() != spans.keys() or not all(
        _covers(kept[at], span, first.sequence) for at, span in spans.items()
    ):
        yield LogFinding(
            Harm.MISCOUNTED, None, "the times of the events aren't those by which they are found"
        )
    by_index = connection.execute(select(event.c.what, func.count()).group_by(event.c.what))
    there = end.sequence - first.sequence + 1 if end.sequence else 0
    if sum(count for _, count in by_index) != there:
        yield LogFinding(Harm.MISCOUNTED, None, "an index doesn't agree with the events")


def _covers(kept: tuple[int, int], span: tuple[int, int], oldest: int) -> bool:
    """Whether a quarter's first and last event are as kept; a pruned first one may still be."""
    return kept[1] == span[1] and (kept[0] == span[0] or kept[0] <= min(span[0], oldest))


def unsound(connection: Connection) -> Iterator[LogFinding]:
    """What SQLite's own check of every page and index finds."""
    for said in connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars():
        if said != "ok":
            yield LogFinding(Harm.UNREADABLE, None, f"SQLite: {said}")
