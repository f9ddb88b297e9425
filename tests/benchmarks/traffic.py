"""Years of a busy lane, made up: the events of so many visits, written with the log's own chain.

A day has about 750 visits between 9 and 19 o'clock, each seen, then granted and used or left with
a reason, and what a day brings besides: start and stop, opening and closing, upkeep, now and then
an operator, a fault, an emergency. The proportions are an assumption, not a measurement. Dice with
a fixed seed: the same number of events is always the same log.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from gate.audit import Store, chain, rows
from gate.audit.append import last_link
from gate.audit.identity import read_edge
from gate.audit.session import Session
from gate.core.domain import Event, EventKind, Origin, Reason, State

FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)
VISITS_A_DAY = 750
REFUSALS = {
    Reason.NO_SMILE: 50,
    Reason.NOT_HELD: 20,
    Reason.EYES_CLOSED: 12,
    Reason.MORE_THAN_ONE_FACE: 10,
    Reason.FACE_TOO_SMALL: 8,
}
"""How often each reason comes, of a hundred refusals."""
_BATCH = 20_000

Timed = tuple[datetime, Event, int | None]
"""An event, its wall time, and how long the guest waited (ms)."""


def events(seed: int = 7) -> Iterator[Timed]:
    """Events without end, day after day."""
    dice = random.Random(seed)
    visit = 0
    for day in range(100_000):
        midnight = FIRST_DAY + timedelta(days=day)
        yield _upkeep(midnight, EventKind.VERIFIED)
        yield _upkeep(midnight, EventKind.BACKED_UP)
        yield _lane(midnight + timedelta(hours=8), EventKind.STARTED, State.CLOSED)
        yield _lane(midnight + timedelta(hours=9), EventKind.LANE_OPENED, State.IDLE)
        gap = 36_000 / VISITS_A_DAY
        for at in range(VISITS_A_DAY):
            visit += 1
            arrived = midnight + timedelta(hours=9, seconds=at * gap + dice.uniform(0, gap / 2))
            yield from _visit(dice, arrived, visit)
        yield _lane(midnight + timedelta(hours=19), EventKind.LANE_CLOSED, State.CLOSED)
        yield _lane(midnight + timedelta(hours=20), EventKind.STOPPED, State.CLOSED)


def _visit(dice: random.Random, arrived: datetime, visit: int) -> Iterator[Timed]:
    def at(seconds: float, event: EventKind, after: State, **more: object) -> Timed:
        wall = arrived + timedelta(seconds=seconds)
        monotonic = (wall - FIRST_DAY).total_seconds()
        waited = round(seconds * 1000) if event is EventKind.GRANTED else None
        return wall, Event(event, monotonic, after=after, visit=visit, **more), waited  # type: ignore[arg-type]  # the fields are the caller's

    yield at(0, EventKind.FACE_SEEN, State.FACE_PRESENT, before=State.IDLE, frame=visit * 40)
    if dice.random() < 0.002:
        who = dice.choice(("anna", "bo", "chris"))
        common = {"reason": Reason.OPERATOR, "who": who, "detail": f"ticket {visit}"}
        yield at(3, EventKind.OPERATOR_GRANTED, State.GRANTED, before=State.FACE_PRESENT, **common)
    elif dice.random() < 0.75:
        waited = dice.lognormvariate(0.9, 0.5)
        measured = {"score": dice.betavariate(9, 2), "frames": 5, "frame": visit * 40 + 20}
        common = {"before": State.SMILING, "reason": Reason.SMILE_HELD}
        yield at(waited, EventKind.GRANTED, State.GRANTED, **common, **measured)
    else:
        reason = dice.choices([*REFUSALS], [*REFUSALS.values()])[0]
        measured = {"score": dice.betavariate(2, 6), "frames": 0, "frame": visit * 40 + 30}
        yield at(
            6,
            EventKind.VISIT_LEFT,
            State.IDLE,
            before=State.FACE_PRESENT,
            reason=reason,
            **measured,
        )
        return
    used = EventKind.PASSED if dice.random() < 0.97 else EventKind.NOT_USED
    yield at(8, used, State.REARMING, before=State.GRANTED)
    if dice.random() < 0.0002:
        fault = {"reason": Reason.FAULT_CAMERA, "detail": "no frame for 2.0 s"}
        yield at(9, EventKind.FAULT, State.FAULT, before=State.REARMING, **fault)
        yield at(12, EventKind.RECOVERED, State.IDLE, before=State.FAULT, detail="after 3.0 s")
    if dice.random() < 0.00001:
        yield at(13, EventKind.EMERGENCY, State.EMERGENCY, before=State.REARMING)
        yield at(60, EventKind.EMERGENCY_CLEARED, State.IDLE, before=State.EMERGENCY)


def _lane(wall: datetime, kind: EventKind, after: State) -> Timed:
    monotonic = (wall - FIRST_DAY).total_seconds()
    return wall, Event(kind, monotonic, after=after, reason=Reason.SCHEDULE), None


def _upkeep(wall: datetime, kind: EventKind) -> Timed:
    return wall, Event(kind, (wall - FIRST_DAY).total_seconds(), detail='{"events": 1}'), None


def fill(path: Path, count: int) -> None:
    """Write a log of `count` events to a new file, without syncing each: a crash leaves no log."""
    Store.open(path).close()
    with closing(Session(path)) as session, session.reading() as connection:
        sequence, previous = last_link(connection)
        edge = read_edge(connection)
    assert edge is not None
    origin = Origin(
        "lane 2", "9d3c1f0e-0000-4000-8000-000000000000", "0.1.0", "a" * 64, "b" * 64, 0.5
    )
    columns = rows.origin_row(origin)
    origin_digest = chain.origin_digest(**columns)
    whats: dict[tuple[str, str, str, str], int] = {}
    source = islice(events(), count)
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        log.execute("PRAGMA synchronous=OFF")
        log.execute("PRAGMA cache_size=-200000")
        names = ", ".join(columns)
        log.execute(
            f"INSERT INTO origin (id, {names}) VALUES (2, ?, ?, ?, ?, ?, ?)", [*columns.values()]
        )
        while batch := list(islice(source, _BATCH)):
            new = []
            log.execute("BEGIN IMMEDIATE")
            for wall, event, waited in batch:
                key = rows.what_of(event)
                if key not in whats:
                    whats[key] = len(whats) + 2  # the first is that of `log_begun`
                    log.execute("INSERT INTO what VALUES (?, ?, ?, ?, ?)", (whats[key], *key))
                sequence += 1
                place = rows.Place(sequence, rows.milliseconds(wall), True, waited, previous)
                row = rows.event_row(event, place, whats[key], 2, origin_digest)
                previous = row["digest"]
                new.append(row)
            slots = ", ".join(f":{name}" for name in new[0])
            log.executemany(f"INSERT INTO event ({', '.join(new[0])}) VALUES ({slots})", new)
            edge = edge.grown(row["digest"] for row in new)
            log.execute("UPDATE edge SET size = ?, hashes = ?", (edge.size, edge.packed()))
            log.execute("COMMIT")
        log.execute("PRAGMA wal_checkpoint(TRUNCATE)")
