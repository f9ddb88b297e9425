"""Recovery from a damaged log: set aside under a dated name, and read as far as it goes.

The first event of the new log says what became of the old one: nothing is deleted or replaced
silently.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gate.audit.chain import Link
from gate.audit.export_row import Flat, flat
from gate.audit.files import set_aside
from gate.audit.query import Query, full_rows, page
from gate.audit.schema import checkpoint, event, quarter
from gate.audit.session import Session
from gate.core.domain import Event, EventKind
from gate.errors import StoreError

_TAIL = 200
"""Newest events that are read when a log is opened: a power cut could have harmed them."""
_CHUNK = 1_000
_PROBES = 100
_PAGE_ROWS = 45
"""About as many events as a page of the file has."""
_SMALLEST_ROW = 60
"""Bytes; a file has no more events than its size allows."""


def salvage(session: Session) -> Iterator[Flat]:
    """The rows that can be read, in the order of the log, as an export has them.

    A row's `previous` is the digest of the event before it, where that one could be read too.
    Raises StoreError where the file isn't a database any more.
    """
    last = Link(0, bytes(32))
    low, high = _bounds(session)
    while low <= high:
        for row in _readable(session, low, min(low + _CHUNK - 1, high)):
            sequence = row["sequence"]
            yield flat(row, last.digest if sequence == last.sequence + 1 else None)
            last = Link(sequence, row["digest"])
        low += _CHUNK


def last_readable(session: Session) -> Link | None:
    """The newest event that can be read; None where it isn't among the newest thousands.

    The gate waits for the answer, so pages are probed, not every row.
    """
    low, high = _bounds(session)
    for probe in range(high, max(low - 1, high - _PROBES * _PAGE_ROWS), -_PAGE_ROWS):
        found = _one(session, probe)
        if found is not None:
            later = (_one(session, probe + step) for step in range(1, _PAGE_ROWS))
            return max((found, *filter(None, later)), key=lambda link: link.sequence)
    return None


def _one(session: Session, sequence: int) -> Link | None:
    for row in _readable(session, sequence, sequence):
        return Link(row["sequence"], row["digest"])
    return None


def _bounds(session: Session) -> tuple[int, int]:
    """The lowest and highest sequence number that the file can have, as far as it can be read."""
    firsts = [
        _ask(session, select(func.min(column))) for column in (event.c.sequence, quarter.c.first)
    ]
    lasts = [
        _ask(session, select(func.max(column))) for column in (event.c.sequence, quarter.c.last)
    ]
    pruned = _ask(session, select(func.max(checkpoint.c.last))) or 0
    low = min((first for first in firsts if first), default=1)
    if known := [last for last in lasts if last]:
        return low, max(known)
    size = session.path.stat().st_size if session.path else 0
    return low, max(low, pruned) + size // _SMALLEST_ROW


def _ask(session: Session, query: Any) -> int | None:
    try:
        with session.reading() as connection:
            answer: int | None = connection.execute(query).scalar()
            return answer
    except StoreError:
        return None


def _readable(session: Session, low: int, high: int) -> Iterator[Mapping[str, Any]]:
    """The rows of a range; where it can't be read, those of its halves."""
    try:
        with session.reading() as connection:
            where = event.c.sequence.between(low, high)
            rows = [*connection.execute(full_rows().where(where)).mappings()]
    except StoreError:
        if low < high:
            middle = (low + high) // 2
            yield from _readable(session, low, middle)
            yield from _readable(session, middle + 1, high)
        return
    yield from rows


def check_tail(session: Session) -> None:
    """Read the newest events.

    Raises CorruptLog if they can't be read; the nightly verification finds damage further back.
    """
    with session.reading() as connection:
        page(connection, Query(), _TAIL, newest_first=True)


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
