"""A damaged log is set aside under a dated name, and the new one says so first: never silently."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from gate.audit.aside import set_aside
from gate.audit.query import Query, page
from gate.audit.recovery import last_readable
from gate.audit.session import Session
from gate.core.domain import Event, EventKind
from gate.errors import StoreError

_TAIL = 200
"""Newest events that are read when a log is opened: what a power cut could have harmed."""


def check_tail(session: Session) -> None:
    """Read the newest events.

    Raises CorruptLog where they can't be read; damage further back is for the daily verification.
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
