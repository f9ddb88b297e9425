"""Recovery from a damaged log: set aside under a dated name, and read as far as it goes.

The first event of the new log says what became of the old one: nothing is deleted or replaced
silently.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gate.audit import rows, sidecar
from gate.audit.chain import START, Link, walk
from gate.audit.errors import UNREADABLE, CorruptLog
from gate.audit.export_row import Flat, flat
from gate.audit.files import set_aside
from gate.audit.identity import rules
from gate.audit.query import Query, page
from gate.audit.schema import checkpoint, event
from gate.audit.session import Session, bare
from gate.core.domain import Event, EventKind
from gate.errors import StoreError

_TAIL = 200
"""Newest events that are read when a log is opened: a power cut could have harmed them."""
_CHUNK = 1_000
_FINE = 64
"""A part is given up whole where this many times as much before it could not be read."""
_PROBES = 100
_PAGE_ROWS = 45
"""About as many events as a page of the file has."""
_SMALLEST_ROW = 60
"""Bytes; a file has no more events than its size allows."""
_SHARED = 100_000
"""`what` and `origin` have no more rows than this by far."""


def salvage(session: Session) -> Iterator[Flat]:
    """The rows that can be read, in the order of the log, as an export has them.

    A row's `previous` is the digest of the event before it, where that one could be read too. What
    an event shares with others is read by itself: where it is damaged, the event has the rest.

    Raises StoreError where the file isn't a database any more.
    """
    with session.driver() as log:
        low, high, _ = _bounds(log, session.path)
        shared = {table: _shared(log, table) for table in ("what", "origin")}
        second = _second_rule(log, shared["what"])
        last = START
        for row in _rows(log, low, high):
            sequence = row["sequence"]
            known = last.digest if sequence == last.sequence + 1 else None
            full = _WORDS | row
            for table, rows_of in shared.items():
                full |= rows_of.get(row[table], {})
            with suppress(*UNREADABLE):
                yield flat(full, known or None, 2 if sequence >= second else 1)
            digest = row["digest"]
            last = Link(sequence, digest if isinstance(digest, bytes) else b"")


def expected(session: Session) -> tuple[int, int]:
    """The first and the last event that the log should have.

    The last as far as the file still says, or the head noted beside it: that one outlasts a file of
    which most was cut off. Raises StoreError.
    """
    with session.driver() as log:
        low, _, sure = _bounds(log, session.path)
    return low, max(sure, _noted(session.path))


def _noted(path: Path | None) -> int:
    """Number of the newest event, as it was noted beside the log; 0 where it was not."""
    noted = (sidecar.read(path, "head") or {}).get("sequence") if path else None
    return noted if isinstance(noted, int) and 0 < noted < _ANY_NUMBER else 0


_ANY_NUMBER = 2**53


_WORDS: dict[str, Any] = dict.fromkeys(
    ("kind", "reason", "before", "after", "gate", "boot", "version", "model", "config"), ""
) | dict.fromkeys(("threshold", "words"), None)
"""What a row has whose `what` or `origin` is gone."""


def last_readable(session: Session) -> Link | None:
    """The newest event that can be read; None where it isn't among the newest thousands.

    The gate waits for the answer, so pages are probed, not every row.
    """
    with session.driver() as log:
        low, high, _ = _bounds(log, session.path)
        for probe in range(high, max(low - 1, high - _PROBES * _PAGE_ROWS), -_PAGE_ROWS):
            until = min(high, probe + _PAGE_ROWS - 1)
            links = [
                Link(row["sequence"], row["digest"])
                for row in _rows(log, probe, until)
                if isinstance(row["digest"], bytes)
            ]
            if links:
                return links[-1]
    return None


def _bounds(log: sqlite3.Connection, path: Path | None) -> tuple[int, int, int]:
    """From which to which number there can be events, and up to which there surely were some."""
    pruned = _ask(log, "SELECT max(last) FROM checkpoint") or 0
    low = _ask(log, "SELECT min(sequence) FROM event") or pruned + 1
    known = [
        _ask(log, f"SELECT max({column}) FROM {table}")
        for column, table in (
            ("sequence", "event"),
            ("last", "quarter"),
            ("sequence", "checkpoint"),
            ("begun + size - 1", "edge"),
        )
    ]
    noted = _noted(path)
    sure = max((last for last in known if last), default=0)
    most = max(low, pruned) + (path.stat().st_size if path else 0) // _SMALLEST_ROW
    if sure < noted <= most:
        sure = noted
    # A damaged number may be any: a file has no more events than its size allows.
    return max(1, min(low, pruned + 1)), min(sure, most) or most, min(sure, most)


def _ask(log: sqlite3.Connection, query: str) -> int | None:
    try:
        (answer,) = log.execute(query).fetchone()
    except sqlite3.Error:
        return None
    return answer if isinstance(answer, int) else None


def _shared(log: sqlite3.Connection, table: str) -> dict[int, dict[str, Any]]:
    """The rows of `what` or `origin` that can be read, by their id."""
    top = _ask(log, f"SELECT max(id) FROM {table}") or _SHARED
    rows = _rows(log, 1, min(top, _SHARED), table, "id")
    return {row.pop("id"): row for row in rows}


def _second_rule(log: sqlite3.Connection, whats: dict[int, dict[str, Any]]) -> int:
    """Number of the first event that follows rule 2."""
    if (_ask(log, "SELECT max(length(log)) FROM checkpoint") or 0) > 0:
        return 1
    kinds = [key for key, row in whats.items() if row["kind"] == EventKind.LOG_BEGUN]
    firsts = [_ask(log, f"SELECT min(sequence) FROM event WHERE what = {key}") for key in kinds]
    firsts += [_ask(log, "SELECT min(sequence) FROM event NOT INDEXED WHERE words IS NOT NULL")]
    return min((first for first in firsts if first), default=2**63 - 1)


def _rows(
    log: sqlite3.Connection, low: int, high: int, table: str = "event", key: str = "sequence"
) -> Iterator[dict[str, Any]]:
    """The rows of a range that can be read, in ever smaller parts where it can't be.

    Within a long stretch that can't be read larger parts are given up; once something can be read
    again, the part given up last is looked at anew, so that no row is passed over.
    """
    parts = [(low, high)]
    lost, given_up = 0, (0, -1)
    while parts:
        first, last = parts.pop()
        if last - first >= _CHUNK:
            parts += [(first + _CHUNK, last), (first, first + _CHUNK - 1)]
            continue
        found = _read(log, table, key, first, last)
        if found is None:
            if first < last and last - first >= lost // _FINE:
                middle = (first + last) // 2
                parts += [(middle + 1, last), (first, middle)]
            else:
                lost, given_up = lost + last - first + 1, (first, last)
            continue
        lost = 0
        if found and given_up[0] < given_up[1]:
            middle = sum(given_up) // 2
            parts += [(first, last), (middle + 1, given_up[1]), (given_up[0], middle)]
            given_up = (0, -1)
            continue
        yield from found


def _read(
    log: sqlite3.Connection, table: str, key: str, first: int, last: int
) -> list[dict[str, Any]] | None:
    """The rows of a range; None where one of them can't be read."""
    query = f"SELECT * FROM {table} WHERE {key} BETWEEN ? AND ? ORDER BY {key}"
    try:
        cursor = log.execute(query, (first, last))
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
    except (sqlite3.Error, *UNREADABLE):
        return None
    return [row for row in rows if isinstance(row[key], int) and first <= row[key] <= last]


def check_tail(session: Session) -> None:
    """Read the newest events, as whoever asks for them does.

    Raises CorruptLog where they can't be read; damage further back is for the daily verification.
    Raises UnknownWord.
    """
    with session.reading() as connection:
        found = page(connection, Query(), _TAIL, newest_first=True)
        first, last = connection.execute(
            select(func.min(event.c.sequence), func.max(event.c.sequence))
        ).one()
    if last is not None and len(found) < min(_TAIL, last - first + 1):
        raise CorruptLog(
            f"audit log {session.name}: newest events have lost a part; `smile-gate audit salvage`"
            " reads what is left"
        )
    for row in found:
        rows.record(row)


def holds_at(session: Session, sequence: int) -> bool:
    """Whether an event is as it was written, judged from the event before it."""
    with session.reading() as connection:
        query = select(event.c.digest).where(event.c.sequence == sequence - 1)
        before = connection.execute(query).scalar()
        if before is None:
            query = select(checkpoint.c.digest).where(checkpoint.c.last == sequence - 1)
            before = connection.execute(query).scalar()
        link = Link(sequence - 1, before or START.digest)
        return walk(bare(connection), link, sequence, rules(connection)).sequence == sequence


def put_away(path: Path, now: datetime, why: str) -> Event:
    """Set a damaged log aside; the event for the new one, which names it and its last good row.

    Raises OSError.
    """
    aside = set_aside(path, now, "damaged")
    detail = {"file": aside.name, "last": _last(aside), "why": why}
    return Event(EventKind.LOG_SET_ASIDE, time.monotonic(), detail=json.dumps(detail))


def _last(aside: Path) -> str | None:
    """The newest event that can still be read, as a head."""
    try:
        with closing(Session(aside, read_only=True, cut_off=True)) as session:
            link = last_readable(session)
    except StoreError:
        return None
    return None if link is None else f"{link.sequence}:{link.digest.hex()}"
