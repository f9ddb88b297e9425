"""What the tests of the audit log share: a clock that stands where it is put, and events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.domain import Event, EventKind, Reason, State
from gate.store import Store


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
    """A log of ten visits, one a minute: even ones were granted, odd ones left."""
    store.record([Event(EventKind.STARTED, 0.0)])
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
