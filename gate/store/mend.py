"""A damaged log is set aside under a dated name, and the new one says so first: never silently."""

from __future__ import annotations

import json
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gate.domain import Event, EventKind, Reason, Record
from gate.errors import StoreError
from gate.store.aside import set_aside
from gate.store.query import Query, page
from gate.store.rows import record
from gate.store.salvage import last_readable, newest_readable
from gate.store.session import Session

OPERATORS_WORDS = (EventKind.LANE_CLOSED, EventKind.LANE_OPENED, EventKind.CLOSE_LIFTED)
"""What an operator says of the lane; the newest counts."""
_TAIL = 200
"""Newest events that are read when a log is opened: what a power cut could have harmed."""


def check_tail(session: Session) -> None:
    """Read the newest events.

    Raises CorruptLog where they can't be read; damage further back is for the daily verification.
    """
    with session.reading() as connection:
        page(connection, Query(), _TAIL, newest_first=True)


def put_away(path: Path, now: datetime, why: str) -> list[Event]:
    """Set a damaged log aside; the events for the new one.

    The first names the old log and its last good row. An operator's close that can be read there
    and that nobody took back is said again: damage opens no lane. Raises OSError.
    """
    aside = set_aside(path, now, "damaged")
    last, closed = None, None
    with suppress(StoreError), closing(Session(aside, read_only=True)) as session:
        link = last_readable(session)
        last = None if link is None else f"{link.sequence}:{link.digest.hex()}"
        word = newest_readable(session, OPERATORS_WORDS, Reason.OPERATOR)
        closed = standing(None if word is None else record(word))
    begun = time.monotonic()
    detail = json.dumps({"file": aside.name, "last": last, "why": why})
    events = [Event(EventKind.LOG_SET_ASIDE, begun, detail=detail)]
    return events if closed is None else [*events, replace(closed.event, monotonic=begun)]


def standing(word: Record | None) -> Record | None:
    """An operator's newest word on the lane, where it is a close."""
    return word if word is not None and word.event.kind is EventKind.LANE_CLOSED else None
