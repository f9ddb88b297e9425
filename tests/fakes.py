"""Small working stand-ins for the parts that touch the world."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest import mock

from gate.core.domain import Box, Event, EventKind, Face, Observation, Position, Record
from gate.errors import RelayError, StoreError

BOX = Box(100, 100, 80, 80)


@contextmanager
def no_thread_left() -> Iterator[None]:
    """No thread can be started, as in a full control group."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with mock.patch.object(threading.Thread, "start", refuse):
        yield


def seen(
    smile: float | None = 0.9, eyes: int | None = 2, *, at: float = 0.0, number: int = 0
) -> Observation:
    """A frame with one face."""
    return Observation(number, at, (Face(BOX, smile, eyes),))


class ListRecorder:
    """A log in a list; `broken` makes it refuse."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.broken = False

    def record(self, events: Sequence[Event]) -> tuple[Record, ...]:
        if self.broken:
            raise StoreError("the disk is full")
        first = len(self.events) + 1
        self.events.extend(events)
        return tuple(
            Record(first + place, "", datetime.now(UTC), event)
            for place, event in enumerate(events)
        )

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]


class ListRelay:
    """A relay that keeps its history; `broken` makes it refuse."""

    def __init__(self) -> None:
        self.history: list[Position] = [Position.SAFE]
        self.broken = False

    def move(self, position: Position) -> None:
        if self.broken:
            raise RelayError("the wire is loose")
        if position is not self.history[-1]:
            self.history.append(position)

    def grant(self, *, way_out: bool = False) -> None:
        if self.broken:
            raise RelayError("the wire is loose")
        self.history.append(Position.GRANTED)

    def clear(self) -> None:
        """Nothing holds this relay."""
