"""Verification of the log: whether it is whole; if not, where it breaks first, and how.

The chain shows an event that was changed, inserted, moved or taken out. It can't show that the
newest events were cut off, or that everything was written anew from some event on: for that there
are heads, noted elsewhere (`smile-gate audit head`). Counts that don't agree with the events, and
missing triggers, are findings too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Connection, func, select

from gate.audit import chain, files
from gate.audit.chain import START, Link, Rules
from gate.audit.errors import CorruptLog
from gate.audit.identity import edge_of, read_edge, rules
from gate.audit.retention import pruned_detail
from gate.audit.schema import checkpoint, event, quarter, trigger_statements, what
from gate.audit.session import Session, bare
from gate.audit.verify.counts import miscounted, unsound
from gate.audit.verify.diagnose import diagnose
from gate.audit.verify.findings import Harm, Head, LogFinding, LogVerdict
from gate.audit.verify.place import misplaced
from gate.audit.watch import Watch, unwatched
from gate.errors import StoreError

CHUNK = 50_000
"""Rows of one read transaction: between two, SQLite can fold the WAL into the database."""
_WORTH_SHARING = 200_000
"""Fewer rows are read sooner by one process than two are started."""
_SHARE = 250_000
"""Rows that a process follows at a time; after each, whoever waits hears of it."""


def verify(
    session: Session,
    heads: Iterable[Head] = (),
    *,
    workers: int = 1,
    deep: bool = False,
    watch: Watch = unwatched,
) -> LogVerdict:
    """Check the log, with so many processes, against itself and the heads noted elsewhere.

    A log of layout 1 is checked as smile-gate 0.1.0 wrote it. `deep` also has SQLite check every
    page and index. `watch` is told of the steps, and how far the chain was followed.

    Raises StoreError if the log can't be read.
    """
    findings: list[LogFinding] = []
    first = end = START
    pruned = 0
    with session.reading() as connection:
        layout = files.identify(connection, session.name)
    if layout == 0:
        raise StoreError(f"audit log {session.name}: it is empty; check the path")
    try:
        with session.reading() as connection:
            first, end = _edge(connection, newest=False), _edge(connection, newest=True)
            findings += _unguarded(connection, layout)
            start, pruned, gaps = _start(connection, first, layout)
            findings += gaps
            followed = rules(connection, layout)
        findings += _broken(session, start, end, followed, layout, workers, watch)
        with session.reading() as connection:
            findings += _beyond(connection, end, layout)
            findings += _not_as_noted(connection, heads, first, end)
            now = _edge(connection, newest=False), _edge(connection, newest=True)
            watch("comparing times and counts", 0, None)
            if not findings and layout > 1:
                findings += misplaced(connection, *now)
            if not findings:
                findings += miscounted(connection, *now)
            if not findings and deep:
                watch("checking pages and indexes", 0, None)
                findings += unsound(connection)
    except CorruptLog as error:
        findings.append(LogFinding(Harm.UNREADABLE, None, str(error)))
    events = end.sequence - first.sequence + 1 if end.sequence else 0
    return LogVerdict(events, first.sequence, end, pruned, tuple(findings))


def _edge(connection: Connection, *, newest: bool) -> Link:
    order = event.c.sequence.desc() if newest else event.c.sequence
    row = connection.execute(
        select(event.c.sequence, event.c.digest).order_by(order).limit(1)
    ).first()
    if row is None:
        return START
    if not isinstance(row.digest, bytes):
        raise CorruptLog(f"event {row.sequence}: its digest is of another kind than was written")
    return Link(row.sequence, row.digest)


def _start(connection: Connection, first: Link, layout: int) -> tuple[Link, int, list[LogFinding]]:
    """The link to follow the chain from, how many events were pruned, and what is wrong there."""
    row = connection.execute(
        select(checkpoint.c.last, checkpoint.c.digest).order_by(checkpoint.c.last.desc()).limit(1)
    ).first()
    pruned = START if row is None else Link(row.last, row.digest)
    findings = [*_false_checkpoints(connection, first.sequence, pruned.sequence, layout)]
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


def _false_checkpoints(
    connection: Connection, oldest: int, latest: int, layout: int
) -> Iterator[LogFinding]:
    """Checkpoints whose `pruned` event, which the chain covers, is missing or says otherwise.

    Only the latest one is sure to have its event still: the others' may have been pruned since.
    """
    columns = [column for column in checkpoint.c if layout > 1 or column.name not in _EDGE]
    rows = connection.execute(
        select(*columns, event.c.detail, what.c.kind)
        .outerjoin_from(checkpoint, event, event.c.sequence == checkpoint.c.sequence)
        .outerjoin(what, what.c.id == event.c.what)
    )
    for row in rows:
        needed = row.last == latest or row.sequence >= oldest
        edge = edge_of(row) if layout > 1 and row.log is not None else None
        agrees = row.detail == pruned_detail(row.first, row.last, row.visit, row.digest, edge)
        if needed and not (row.kind == "pruned" and agrees):
            said = f"no event says that {row.first} to {row.last} were pruned: a false checkpoint"
            yield LogFinding(Harm.CHANGED, row.sequence, said)


_EDGE = ("log", "begun", "edge")
"""What layout 1 has not of a checkpoint."""


def _digest(connection: Connection, sequence: int) -> bytes | None:
    return connection.execute(select(event.c.digest).where(event.c.sequence == sequence)).scalar()


def _unguarded(connection: Connection, layout: int) -> Iterator[LogFinding]:
    """Triggers that are missing, altered or unknown: without them SQL can change the log."""
    query = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'"
    found = set(connection.exec_driver_sql(query).scalars())
    for statement in sorted(found ^ set(trigger_statements(layout))):
        state = "is unknown" if statement in found else "is missing"
        name = statement.split()[2]
        yield LogFinding(Harm.UNGUARDED, None, f"trigger {name} {state}: SQL could change the log")


def _beyond(connection: Connection, end: Link, layout: int) -> Iterator[LogFinding]:
    """What still speaks of events after the last one."""
    edge = read_edge(connection) if layout > 1 else None
    known = [0 if edge is None else edge.last] + [
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


def _broken(
    session: Session,
    start: Link,
    end: Link,
    followed: Rules,
    layout: int,
    workers: int,
    watch: Watch,
) -> list[LogFinding]:
    """The first place where the chain doesn't hold, if there is one."""
    with session.reading() as connection:
        cuts = _cuts(connection, start, end, workers)
    stops = [cut.sequence for cut in cuts[1:]] + [end.sequence]

    def told(sequence: int) -> None:
        watch("following the chain", sequence - start.sequence, end.sequence - start.sequence)

    told(start.sequence)
    if len(cuts) == 1 or session.path is None:
        spans = zip(cuts, stops, strict=True)
        reached = [_follow(session, *span, followed, told) for span in spans]
    else:
        reached = []
        with _pool(min(workers, len(cuts))) as pool:
            paths = [session.path] * len(cuts)
            for link in pool.map(_follow_file, paths, cuts, stops, [followed] * len(cuts)):
                reached.append(link)
                told(link.sequence)
    for stop, until in zip(reached, stops, strict=True):
        if stop.sequence < until:
            with session.reading() as connection:
                found = diagnose(connection, stop, followed, layout)
            return [found] if found else []
    return []


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes of low priority, so that the gate itself comes first."""
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=os.nice, initargs=(10,))


def _cuts(connection: Connection, start: Link, end: Link, workers: int) -> list[Link]:
    """Links from which the processes start; the process before proves each link's digest."""
    events = end.sequence - start.sequence
    parts = max(workers, events // _SHARE) if workers > 1 and events >= _WORTH_SHARING else 1
    cuts = [start]
    for part in range(1, parts):
        sequence = start.sequence + events * part // parts
        digest = _digest(connection, sequence)
        if digest is not None:
            cuts.append(Link(sequence, digest))
    return cuts


def _follow(
    session: Session, after: Link, until: int, followed: Rules, told: Callable[[int], None]
) -> Link:
    """Walk the chain in chunks, each of which is told; the last link that holds."""
    while after.sequence < until:
        stop = min(after.sequence + CHUNK, until)
        with session.reading() as connection:
            reached = chain.walk(bare(connection), after, stop, followed)
        if reached.sequence < stop:
            return reached
        after = reached
        told(after.sequence)
    return after


def _follow_file(path: Path, after: Link, until: int, followed: Rules) -> Link:
    session = Session(path, read_only=True)
    try:
        return _follow(session, after, until, followed, lambda _: None)
    finally:
        session.close()
