"""Verification of the log: whether it is whole; if not, where it breaks first, and how.

The chain shows an event that was changed, inserted, moved or taken out. It can't show that the
newest events were cut off, or that everything was written anew from some event on: for that there
are heads, noted elsewhere (`smile-gate audit head`). Counts that don't agree with the events, and
missing triggers, are findings too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, func, select

from gate.audit import chain, files
from gate.audit.chain import START, Link
from gate.audit.errors import CorruptLog
from gate.audit.retention import pruned_detail
from gate.audit.schema import (
    QUARTER_MS,
    checkpoint,
    event,
    quarter,
    tally,
    trigger_statements,
    what,
)
from gate.audit.session import Session, bare
from gate.audit.verify.diagnose import diagnose
from gate.audit.verify.findings import Harm, Head, LogFinding, LogVerdict
from gate.errors import StoreError

CHUNK = 50_000
"""Rows of one read transaction: between two, SQLite can fold the WAL into the database."""
_WORTH_SHARING = 200_000
"""Fewer rows are read sooner by one process than two are started."""


def verify(
    session: Session, heads: Iterable[Head] = (), *, workers: int = 1, deep: bool = False
) -> LogVerdict:
    """Check the log, with so many processes, against itself and the heads noted elsewhere.

    `deep` also has SQLite check every page and index, and counts each quarter of an hour anew.

    Raises StoreError if the log can't be read.
    """
    findings: list[LogFinding] = []
    with session.reading() as connection:
        if files.identify(connection, session.name) == 0:
            raise StoreError(f"audit log {session.name}: it is empty; check the path")
    first = end = START
    pruned = 0
    try:
        with session.reading() as connection:
            first, end = _edge(connection, newest=False), _edge(connection, newest=True)
            findings += _unguarded(connection)
            start, pruned, gaps = _start(connection, first)
            findings += gaps
        findings += _broken(session, start, end, workers)
        with session.reading() as connection:
            findings += _beyond(connection, end)
            findings += _not_as_noted(connection, heads, first, end)
            if not findings:
                findings += _miscounted(connection, first, end)
            if not findings and deep:
                findings += _unsound(connection)
    except CorruptLog as error:
        findings.append(LogFinding(Harm.UNREADABLE, None, str(error)))
    events = end.sequence - first.sequence + 1 if end.sequence else 0
    return LogVerdict(events, first.sequence, end, pruned, tuple(findings))


def _edge(connection: Connection, *, newest: bool) -> Link:
    order = event.c.sequence.desc() if newest else event.c.sequence
    row = connection.execute(
        select(event.c.sequence, event.c.digest).order_by(order).limit(1)
    ).first()
    return START if row is None else Link(row.sequence, row.digest)


def _start(connection: Connection, first: Link) -> tuple[Link, int, list[LogFinding]]:
    """The link to follow the chain from, how many events were pruned, and what is wrong there."""
    row = connection.execute(
        select(checkpoint.c.last, checkpoint.c.digest).order_by(checkpoint.c.last.desc()).limit(1)
    ).first()
    pruned = START if row is None else Link(row.last, row.digest)
    findings = [*_false_checkpoints(connection, first.sequence, pruned.sequence)]
    if first != START and first.sequence < 1:
        said = f"event {first.sequence} was inserted: the gate counts from 1"
        return START, 0, [*findings, LogFinding(Harm.INSERTED, first.sequence, said)]
    if first.sequence > pruned.sequence + 1:
        gone = f"events {pruned.sequence + 1} to {first.sequence - 1} are missing"
        said = f"{gone}, and no pruning explains it"
        findings.append(LogFinding(Harm.MISSING, pruned.sequence + 1, said))
        return first, pruned.sequence, findings
    if 0 < first.sequence <= pruned.sequence:  # the deleting was interrupted
        if _digest(connection, pruned.sequence) != pruned.digest:
            said = f"event {pruned.sequence} isn't the one that its pruning names"
            findings.append(LogFinding(Harm.CHANGED, pruned.sequence, said))
        return first, first.sequence - 1, findings
    return pruned, pruned.sequence, findings


def _false_checkpoints(connection: Connection, oldest: int, latest: int) -> Iterator[LogFinding]:
    """Checkpoints whose `pruned` event, which the chain covers, is missing or says otherwise.

    Only the latest one is sure to have its event still: the others' may have been pruned since.
    """
    rows = connection.execute(
        select(checkpoint, event.c.detail, what.c.kind)
        .outerjoin_from(checkpoint, event, event.c.sequence == checkpoint.c.sequence)
        .outerjoin(what, what.c.id == event.c.what)
    )
    for row in rows:
        needed = row.last == latest or row.sequence >= oldest
        agrees = row.detail == pruned_detail(row.first, row.last, row.visit, row.digest)
        if needed and not (row.kind == "pruned" and agrees):
            said = f"no event says that {row.first} to {row.last} were pruned: a false checkpoint"
            yield LogFinding(Harm.CHANGED, row.sequence, said)


def _digest(connection: Connection, sequence: int) -> bytes | None:
    return connection.execute(select(event.c.digest).where(event.c.sequence == sequence)).scalar()


def _unguarded(connection: Connection) -> Iterator[LogFinding]:
    """Triggers that are missing, altered or unknown: without them SQL can change the log."""
    query = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'"
    found = set(connection.exec_driver_sql(query).scalars())
    for statement in sorted(found ^ set(trigger_statements())):
        state = "is unknown" if statement in found else "is missing"
        name = statement.split()[2]
        yield LogFinding(Harm.UNGUARDED, None, f"trigger {name} {state}: SQL could change the log")


def _beyond(connection: Connection, end: Link) -> Iterator[LogFinding]:
    """Traces of events after the last one."""
    known = [
        connection.execute(select(func.max(column))).scalar() or 0
        for column in (quarter.c.last, checkpoint.c.sequence)
    ]
    if max(known) > end.sequence:
        said = f"the log ends at {end.sequence}, but counts events up to {max(known)}"
        yield LogFinding(Harm.TRUNCATED, end.sequence + 1, said)


def _not_as_noted(
    connection: Connection, heads: Iterable[Head], first: Link, end: Link
) -> Iterator[LogFinding]:
    """Heads that were noted elsewhere and aren't in the log."""
    for head in heads:
        if head.sequence > end.sequence:
            said = f"the log ends at {end.sequence}, but event {head.sequence} was noted"
            yield LogFinding(Harm.TRUNCATED, end.sequence + 1, said)
        elif head.sequence >= first.sequence:
            digest = _digest(connection, head.sequence)
            if digest is None or not digest.hex().startswith(head.digest):
                said = f"event {head.sequence} isn't the one that was noted: written anew"
                yield LogFinding(Harm.CHANGED, head.sequence, said)


def _miscounted(connection: Connection, first: Link, end: Link) -> Iterator[LogFinding]:
    """Counts for the statistics that don't agree with the events."""
    events = dict(_pairs(connection, select(event.c.what, func.count()).group_by(event.c.what)))
    tallied = select(tally.c.what, func.sum(tally.c.count)).group_by(tally.c.what)
    if events != dict(_pairs(connection, tallied)):
        yield LogFinding(Harm.MISCOUNTED, None, "the statistics don't agree with the events")
    there = end.sequence - first.sequence + 1 if end.sequence else 0
    if sum(events.values()) != there:
        yield LogFinding(Harm.MISCOUNTED, None, "an index doesn't agree with the events")


def _unsound(connection: Connection) -> Iterator[LogFinding]:
    """Findings of SQLite's own check, and quarters of an hour that were counted wrongly."""
    for said in connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars():
        if said != "ok":
            yield LogFinding(Harm.UNREADABLE, None, f"SQLite: {said}")
    counted = f"SELECT wall / {QUARTER_MS}, what, count(*) FROM event GROUP BY 1, 2"
    for left, right in ((counted, "SELECT * FROM tally"), ("SELECT * FROM tally", counted)):
        query = f"SELECT count(*) FROM ({left} EXCEPT {right})"
        if connection.exec_driver_sql(query).scalar_one():
            yield LogFinding(Harm.MISCOUNTED, None, "a quarter of an hour is counted wrongly")
            return


def _pairs(connection: Connection, query: Select[Any]) -> list[tuple[int, int]]:
    return [(key, count) for key, count in connection.execute(query)]


def _broken(session: Session, start: Link, end: Link, workers: int) -> list[LogFinding]:
    """The first place where the chain doesn't hold, if there is one."""
    with session.reading() as connection:
        cuts = _cuts(connection, start, end, workers)
    stops = [cut.sequence for cut in cuts[1:]] + [end.sequence]
    if len(cuts) == 1 or session.path is None:
        reached = [_follow(session, *span) for span in zip(cuts, stops, strict=True)]
    else:
        with _pool(len(cuts)) as pool:
            paths = [session.path] * len(cuts)
            reached = list(pool.map(_follow_file, paths, cuts, stops))
    for stop, until in zip(reached, stops, strict=True):
        if stop.sequence < until:
            with session.reading() as connection:
                found = diagnose(connection, stop)
            return [found] if found else []
    return []


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes of low priority, so that the gate itself comes first."""
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=os.nice, initargs=(10,))


def _cuts(connection: Connection, start: Link, end: Link, workers: int) -> list[Link]:
    """Links from which the processes start; the process before proves each link's digest."""
    events = end.sequence - start.sequence
    cuts = [start]
    for part in range(1, workers if events >= _WORTH_SHARING else 1):
        sequence = start.sequence + events * part // workers
        digest = _digest(connection, sequence)
        if digest is not None:
            cuts.append(Link(sequence, digest))
    return cuts


def _follow(session: Session, after: Link, until: int) -> Link:
    """Walk the chain in chunks; the last link that holds."""
    while after.sequence < until:
        stop = min(after.sequence + CHUNK, until)
        with session.reading() as connection:
            reached = chain.walk(bare(connection), after, stop)
        if reached.sequence < stop:
            return reached
        after = reached
    return after


def _follow_file(path: Path, after: Link, until: int) -> Link:
    session = Session(path, read_only=True)
    try:
        return _follow(session, after, until)
    finally:
        session.close()
