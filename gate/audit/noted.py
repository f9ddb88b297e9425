"""The log's newest head, noted beside it: what was there once must be there at each start.

`audit.head.json` has the log's identity, the number and digest of its newest event, and the time.
It is written after a commit, at most once a second, and at a stop; never ahead of the log. Whoever
puts an older log back, cuts its end off, or takes its WAL away is found by it; whoever does the
same to this file isn't, so the head is also said in the journal at each start and each night.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from gate.audit import sidecar
from gate.audit.chain import Link
from gate.audit.schema import checkpoint, event
from gate.core.domain import Record

NAME = "head"
PAUSE_S = 1.0
"""Between two notes, seconds: a burst of events writes the card once."""


class NotedHead:
    """Keeps the note of one log, whose file is at `path` (None: in memory, nothing is noted)."""

    def __init__(self, path: Path | None, *, writes: bool) -> None:
        self.head: Link | None = None
        """The newest event that is known to be on the card."""
        self._path = path if writes else None
        self._said: dict[str, Any] = {}
        self._written: Link | None = None
        self._at = float("-inf")

    def read(self) -> None:
        """Take the head from the note; one that can't be understood is none."""
        said = sidecar.read(self._path, NAME) if self._path else None
        if not said:
            return
        try:
            head = Link(int(said["sequence"]), bytes.fromhex(said["digest"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if head.sequence > 0 and len(head.digest) == 32:
            self.head = self._written = head

    def forget(self) -> None:
        """What was noted belongs to another log."""
        self.head = None

    def reached(self, record: Record, log: str) -> None:
        """Note that this event of the log is on the card, unless another was noted just now."""
        self.head = Link(record.sequence, bytes.fromhex(record.digest))
        self._said = {
            "log": log,
            "sequence": record.sequence,
            "digest": record.digest,
            "wall": record.wall.isoformat(timespec="seconds"),
        }
        if time.monotonic() - self._at >= PAUSE_S:
            self.write()

    def write(self) -> None:
        """Note the head now, if it is another than the noted one."""
        if self._path is None or self.head is None or self.head == self._written:
            return
        sidecar.write(self._path, NAME, self._said, sync=False)
        self._written, self._at = self.head, time.monotonic()


def lacks(connection: Connection, head: Link) -> str | None:
    """Why the log can't be the one in which the head was noted; None where it can."""
    query = select(event.c.digest).where(event.c.sequence == head.sequence)
    digest = connection.execute(query).scalar()
    if digest == head.digest:
        return None
    if digest is not None:
        return f"event {head.sequence} is another one than was noted"
    last = connection.execute(select(func.max(event.c.sequence))).scalar() or 0
    pruned = connection.execute(select(func.max(checkpoint.c.last))).scalar() or 0
    if head.sequence <= min(last, pruned):
        return None
    return f"the log ends at {last}, but event {head.sequence} was noted"
