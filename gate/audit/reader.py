"""What is asked of a log by whoever runs with it: records, and what a start has to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from gate.audit import rows
from gate.audit.append import highest_visit
from gate.audit.query import PAGE, Query, page, span
from gate.audit.session import Session
from gate.audit.watch import Watch
from gate.core.domain import EventKind, Reason, Record, State

NEWEST = 100
"""Events that a start looks at: those of nightly upkeep and of commands say nothing of the lane."""

_Word = TypeVar("_Word", EventKind, Reason, State)


class Reader:
    """Reads one log. Every method may be called from any thread, and raises `StoreError`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def next_visit(self) -> int:
        """The first visit number that no guest ever had."""
        with self.session.reading() as connection:
            return highest_visit(connection) + 1

    def operators_word(self) -> Record | None:
        """The newest close or reopening by an operator; None where there was none."""
        words = (EventKind.LANE_CLOSED, EventKind.LANE_OPENED, EventKind.CLOSE_LIFTED)
        said = self.records(event=words, reason=Reason.OPERATOR, limit=1, newest_first=True)
        return next(said, None)

    def newest_run(self) -> Record | None:
        """The newest event whose origin has the settings that the gate ran with."""
        runs = (EventKind.STARTED, EventKind.CONFIG_CHANGED)  # a command's events don't
        return next(self.records(event=runs, limit=1, newest_first=True), None)

    def newest(self) -> list[Record]:
        """The newest events, oldest first: what a start shows, and what it goes on from."""
        return list(self.records(limit=NEWEST, newest_first=True))[::-1]

    def records(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        event: EventKind | Iterable[EventKind] = (),
        reason: Reason | Iterable[Reason] = (),
        visit: int | None = None,
        state: State | Iterable[State] = (),
        limit: int | None = None,
        *,
        newest_first: bool = False,
        who: str | None = None,
        score_from: float | None = None,
        score_to: float | None = None,
        after: int | None = None,
    ) -> Iterator[Record]:
        """The records that match, in the order of the log; see `Query` for what each filter means.

        They are read a page at a time, so that the gate can write between two pages.
        """
        query = Query(
            since=since,
            until=until,
            events=_set(event),
            reasons=_set(reason),
            states=_set(state),
            visit=visit,
            who=who,
            score_from=score_from,
            score_to=score_to,
            after=after,
        )
        return self.search(query, limit, newest_first=newest_first)

    def search(
        self,
        query: Query,
        limit: int | None = None,
        *,
        newest_first: bool = False,
        watch: Watch | None = None,
    ) -> Iterator[Record]:
        """The records that match the query, a page at a time; `watch` hears how far it has come."""
        left = limit
        first, last = self._span(query) if watch is not None else (0, 0)
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            with self.session.reading() as connection:
                found = page(connection, query, size, newest_first=newest_first)
                records = [rows.record(row) for row in found]
            yield from records
            if len(found) < size:
                return
            left = None if left is None else left - size
            edge = found[-1]["sequence"]
            if watch is not None:
                watch("reading", last - edge if newest_first else edge - first, last - first)
            query = replace(query, before=edge) if newest_first else replace(query, after=edge)

    def _span(self, query: Query) -> tuple[int, int]:
        with self.session.reading() as connection:
            return span(connection, query) or (0, 0)


def _set(words: _Word | Iterable[_Word]) -> frozenset[_Word]:
    return frozenset({words}) if isinstance(words, str) else frozenset(words)
