"""Quick check of the newest events of a log, however long the log is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from gate.audit import files
from gate.audit.chain import START, Link, walk
from gate.audit.identity import rules
from gate.audit.schema import VERSION, event
from gate.audit.session import Session, bare
from gate.audit.verify.diagnose import diagnose
from gate.errors import StoreError


@dataclass(frozen=True, slots=True)
class Newest:
    """Result of a check of the newest events."""

    first: int
    """Sequence number of the oldest one that was looked at; 0 in a log without events."""
    last: int
    outdated: bool
    """Whether the layout is an older program's: the next start of the gate upgrades it."""
    harm: str | None
    """Description of the first harm, with its event; None for a part that is whole."""


def check_newest(session: Session, count: int) -> Newest:
    """Follow the chain through the newest ``count`` events. Raises StoreError if unreadable."""
    with session.reading() as connection:
        version = files.identify(connection, session.name)
        if version == 0:
            raise StoreError(f"audit log {session.name}: it is empty; check the path")
        rows = select(event.c.sequence, event.c.digest).order_by(event.c.sequence.desc())
        last = connection.execute(select(func.max(event.c.sequence))).scalar()
        if last is None:
            return Newest(0, 0, version < VERSION, None)
        before = connection.execute(rows.offset(count).limit(1)).first()
        oldest = connection.execute(select(func.min(event.c.sequence))).scalar_one()
        if before is not None:
            start = Link(before.sequence, before.digest)
        elif oldest == 1:
            start = START
        else:  # the part before was pruned: the oldest event vouches for those after it
            first = connection.execute(rows.where(event.c.sequence == oldest)).one()
            start = Link(first.sequence, first.digest)
        followed = rules(connection, version)
        reached = walk(bare(connection), start, last, followed)
        found = (
            None if reached.sequence == last else diagnose(connection, reached, followed, version)
        )
    harm = found.text if found else None
    return Newest(start.sequence + 1, last, version < VERSION, harm)
