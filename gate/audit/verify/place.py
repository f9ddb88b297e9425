"""Is the log the one that it says it is: its identity, and the tree over its events?"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from gate.audit.chain import Link
from gate.audit.errors import CorruptLog
from gate.audit.identity import begun, edge_after, kept_edge, read_edge
from gate.audit.schema import event
from gate.audit.verify.findings import Harm, LogFinding


def misplaced(connection: Connection, first: Link, end: Link) -> Iterator[LogFinding]:
    """An identity that doesn't say what went before it, and a tree that isn't the events'."""
    if end.sequence == 0:
        return
    try:
        beginnings = begun(connection)
    except (TypeError, ValueError, LookupError):
        yield LogFinding(Harm.CHANGED, None, "an event gives the log no identity, but should")
        return
    for one in beginnings:
        query = select(event.c.digest).where(event.c.sequence == one.sequence - 1)
        before = connection.execute(query).scalar()
        if before is None and one.sequence == 1:
            before = bytes(32)
        if before is not None and before != one.before:
            said = f"event {one.sequence} begins a log, and names another event before it"
            yield LogFinding(Harm.CHANGED, one.sequence, said)
    try:
        kept, made = read_edge(connection), edge_after(connection, end.sequence)
        pruned = kept_edge(connection)
    except (CorruptLog, ValueError) as error:
        yield LogFinding(Harm.CHANGED, None, str(error))
        return
    if made is None:
        yield LogFinding(Harm.MISSING, None, "the log has no identity: no event begins it")
    elif kept != made:
        yield LogFinding(Harm.CHANGED, None, "the tree's edge isn't that of the events")
    if pruned is not None and pruned.last < first.sequence - 1:
        yield LogFinding(Harm.MISSING, None, "the tree doesn't reach the oldest event")
