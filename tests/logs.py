"""What the tests of the audit log share: a clock that stands where it is put, events, tampering."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.audit import Store, schema
from gate.audit.session import Session
from gate.audit.verify.findings import Harm, Head, LogVerdict
from gate.audit.verify.log import verify
from gate.core.domain import Event, EventKind, Reason, State


class Clock:
    """A wall clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
        self.trusted = True

    def __call__(self) -> tuple[datetime, bool]:
        """The time, as the store asks for it."""
        return self.wall, self.trusted

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.wall += by


def face_seen(visit: int, at: float = 10.0) -> Event:
    return Event(EventKind.FACE_SEEN, at, State.IDLE, State.FACE_PRESENT, visit=visit)


def granted(visit: int, at: float = 12.5, score: float = 0.93) -> Event:
    return Event(
        EventKind.GRANTED,
        at,
        State.SMILING,
        State.GRANTED,
        Reason.SMILE_HELD,
        visit,
        score,
        frames=5,
        frame=41,
    )


def left(
    visit: int, at: float = 14.0, reason: Reason = Reason.NO_SMILE, score: float = 0.2
) -> Event:
    return Event(EventKind.VISIT_LEFT, at, State.FACE_PRESENT, State.IDLE, reason, visit, score)


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """The log in the hands of somebody who drops the triggers and puts them back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in schema.TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for statement in schema.trigger_statements():
            connection.execute(statement)


def judged(path: Path, *heads: Head, workers: int = 1) -> LogVerdict:
    with closing(Session(path, read_only=True)) as session:
        return verify(session, heads, workers=workers)


def first_harm(path: Path, *heads: Head) -> tuple[Harm, int | None]:
    found = judged(path, *heads).findings[0]
    return found.harm, found.sequence


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(path, gate_id="lane 2", threshold=0.5, boot="boot-1", now=clock) as opened:
        yield opened


@pytest.fixture
def busy(store: Store, clock: Clock) -> Store:
    """A log of ten visits, one a minute: even ones were granted, odd ones left.

    Event 1 begins the log, as in every log; a visit has two events.
    """
    for visit in range(1, 11):
        clock.forward(timedelta(minutes=1))
        store.record([face_seen(visit)])
        store.record([left(visit) if visit % 2 else granted(visit)])
    return store


@pytest.fixture(scope="session")
def random_log() -> Iterator[Store]:
    """Three hundred visits over two days, with a clock that jumps back once; only to be read."""
    dice = random.Random(7)
    clock = Clock()
    with Store.open(None, now=clock) as store:
        for visit in range(1, 301):
            clock.forward(timedelta(minutes=dice.randrange(10)))
            if visit == 200:
                clock.forward(timedelta(hours=-9))
            end = dice.choice(
                [
                    granted(visit, score=dice.random()),
                    left(visit, score=dice.random()),
                    left(visit, reason=Reason.EYES_CLOSED, score=dice.random()),
                    Event(EventKind.OPERATOR_GRANTED, 1.0, State.IDLE, State.GRANTED, who="anna"),
                ]
            )
            store.record([face_seen(visit), end])
        yield store
