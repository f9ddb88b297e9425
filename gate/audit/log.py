"""The log itself: what belongs together is one transaction, on the card when it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from gate.audit import files, rows
from gate.audit.append import append, highest_visit, last_link
from gate.audit.errors import CorruptLog, explaining
from gate.audit.migrations import prepare
from gate.audit.query import PAGE, Query, page, unfinished
from gate.audit.recovery import check_tail, put_away
from gate.audit.session import Session
from gate.core.domain import Event, EventKind, Origin, Reason, Record, State
from gate.errors import StoreError
from gate.system import clock

_Word = TypeVar("_Word", EventKind, Reason, State)

_RECENT = timedelta(days=1)
"""Time for which unclean ends are looked for: longer than any `service.crash_window_s`."""


class Store:
    """An open audit log. Every method may be called from any thread.

    `unclean` is the last event of a run that never recorded `stopped`, where there is one: the
    daemon records `unclean_end` for it first. (Opening the log doesn't record it: to a command
    that opens the log of a running gate, that run looks unfinished too.)
    """

    def __init__(
        self, session: Session, origin: Origin, now: clock.Clock, *, mends: bool = False
    ) -> None:
        self.session = session
        self.boot = origin.boot
        self.unclean: Record | None = None
        self.set_aside: Record | None = None
        self._origin = origin
        self._now = now
        self._mends = mends
        self._arrived: tuple[int, float] | None = None
        self.sequence = 0
        """Number of the last event that this store read or wrote."""

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        gate_id: str = "gate",
        boot: str | None = None,
        version: str = "",
        model_hash: str = "",
        config_hash: str = "",
        threshold: float | None = None,
        now: clock.Clock = clock.system_clock,
        wait_s: float = files.WAIT_S,
        read_only: bool = False,
        mends: bool = True,
        create: bool = True,
    ) -> Self:
        """Open the log at `path`; None is a throw-away log in memory.

        Where there is none it is made, unless `create` is False. A damaged log is set aside and a
        new one begun, now or later in `record`, unless `mends` is False or it is opened for
        reading only.

        Raises StoreError, one line, if it can't be opened.
        """
        origin = Origin(
            gate_id, boot or clock.boot_id(), version, model_hash, config_hash, threshold
        )
        if (read_only or not create) and path is not None and not path.is_file():
            raise StoreError(f"audit log {path}: there is no such file; check the path")
        with explaining(str(path)):
            if path is not None and not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            session = Session(path, read_only=read_only, wait_s=wait_s)
        store = cls(session, origin, now, mends=mends and path is not None and not read_only)
        try:
            store._take_up()
        except BaseException:
            store.close()
            raise
        return store

    def _take_up(self) -> None:
        """Check the file, and read how the last run ended."""
        try:
            prepare(self.session)
            check_tail(self.session)
            self._look_back()
        except CorruptLog as error:
            if not self._mends:
                raise
            self._start_anew(error)
            self._look_back()

    def _look_back(self) -> None:
        """Read everything that a start of the gate needs, so that damage to it is found now."""
        if self.session.read_only:
            return
        with self.session.reading() as connection:
            row = unfinished(connection)
            self.sequence = last_link(connection)[0]
        self.unclean = None if row is None else rows.record(row)
        self.next_visit()
        self.operators_word()
        self.newest_run()
        for _ in self.records(self._now()[0] - _RECENT, event=EventKind.UNCLEAN_END):
            pass

    def _start_anew(self, damage: CorruptLog) -> None:
        """Set the damaged log aside, and begin a new chain that says so."""
        assert self.path is not None
        self.session.close()
        with explaining(str(self.path)):
            event = put_away(self.path, self._now()[0], str(damage))
            self.path.touch()
        prepare(self.session)
        with self.session.writing() as connection:
            (self.set_aside,) = self.append(connection, [event])

    @property
    def path(self) -> Path | None:
        """The file, or None for a log in memory."""
        return self.session.path

    def describe(
        self,
        *,
        version: str | None = None,
        model_hash: str | None = None,
        config_hash: str | None = None,
        threshold: float | None = None,
    ) -> None:
        """Change the origin of later events; None leaves a part as it is."""
        old = self._origin
        self._origin = replace(
            old,
            version=old.version if version is None else version,
            model=old.model if model_hash is None else model_hash,
            config=old.config if config_hash is None else config_hash,
            threshold=old.threshold if threshold is None else threshold,
        )

    def record(self, events: Sequence[Event]) -> tuple[Record, ...]:
        """Write the events in one transaction; when it returns, they are on the card.

        Raises StoreError if that fails; then none of them is in the log, and the next call tries
        again, so that recording works again as soon as the cause is gone.
        """
        if not events:
            return ()
        try:
            return self._commit(events)
        except CorruptLog as error:
            if not self._mends:
                raise
            self._start_anew(error)
            return self._commit(events)

    def _commit(self, events: Sequence[Event]) -> tuple[Record, ...]:
        with self.session.writing() as connection:
            written = self.append(connection, events)
        self.sequence = written[-1].sequence
        return written

    def append(self, connection: Connection, events: Sequence[Event]) -> tuple[Record, ...]:
        """Write the events within a transaction of the caller, which writes more than events."""
        timed = [(event, self._waited(event)) for event in events]
        return append(connection, timed, self._origin, self._now())

    def _waited(self, event: Event) -> int | None:
        """Milliseconds from the guest's first sight to this grant."""
        if event.kind is EventKind.FACE_SEEN and event.visit is not None:
            self._arrived = (event.visit, event.monotonic)
        if event.kind is EventKind.GRANTED and self._arrived and self._arrived[0] == event.visit:
            return round((event.monotonic - self._arrived[1]) * 1000)
        return None

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
        self, query: Query, limit: int | None = None, *, newest_first: bool = False
    ) -> Iterator[Record]:
        """The records that match the query, a page at a time."""
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            with self.session.reading() as connection:
                found = page(connection, query, size, newest_first=newest_first)
            yield from (rows.record(row) for row in found)
            if len(found) < size:
                return
            left = None if left is None else left - size
            edge = found[-1]["sequence"]
            query = replace(query, before=edge) if newest_first else replace(query, after=edge)

    def close(self) -> None:
        """Let go of the file; more than once does no harm."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _set(words: _Word | Iterable[_Word]) -> frozenset[_Word]:
    return frozenset({words}) if isinstance(words, str) else frozenset(words)
