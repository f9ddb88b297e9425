"""The log itself: what belongs together is one transaction, on the card when it returns."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from gate.audit import files, rows
from gate.audit.append import append, last_link
from gate.audit.errors import CorruptLog, UnknownWord, explaining
from gate.audit.identity import read_edge
from gate.audit.migrations import prepare
from gate.audit.noted import NotedHead, lacks
from gate.audit.query import unfinished
from gate.audit.reader import Reader
from gate.audit.recovery import check_tail, holds_at, put_away
from gate.audit.session import Session
from gate.audit.verify.findings import Head
from gate.core.domain import Event, EventKind, Origin, Record
from gate.errors import StoreError
from gate.system import clock

log = logging.getLogger(__name__)

_RECENT = timedelta(days=1)
"""Time for which unclean ends are looked for: longer than any `service.crash_window_s`."""


class Store(Reader):
    """An open audit log. Every method may be called from any thread.

    `unclean` is the last event of a run that never recorded `stopped`, where there is one: the
    daemon records `unclean_end` for it first. (Opening the log doesn't record it: to a command
    that opens the log of a running gate, that run looks unfinished too.)
    """

    def __init__(
        self, session: Session, origin: Origin, now: clock.Clock, *, mends: bool = False
    ) -> None:
        super().__init__(session)
        self.boot = origin.boot
        self.unclean: Record | None = None
        self.set_aside: Record | None = None
        self._origin = origin
        self._now = now
        self._mends = mends
        self._arrived: tuple[int, float] | None = None
        self._noted = NotedHead(session.path, writes=mends)
        self._head = Head(0, "")
        self.sequence = 0
        """Number of the last event that this store read or wrote."""
        self.log_id = ""
        """The log's identity, 32 hex digits; '' where it was opened for reading only."""

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
                files.make(path)
            session = Session(path, read_only=read_only, wait_s=wait_s)
        store = cls(session, origin, now, mends=mends and path is not None and not read_only)
        try:
            store._take_up()
        except BaseException:
            store.close()
            raise
        return store

    def _take_up(self) -> None:
        """Look at the file, and find out how the last run ended."""
        self._noted.read()
        try:
            prepare(self.session, self._begin)
            check_tail(self.session)
            self._look_back()
        except (CorruptLog, UnknownWord) as error:
            newer = isinstance(error, UnknownWord) and holds_at(self.session, error.sequence)
            if newer or not self._mends:
                raise
            self._start_anew(error)
            self._look_back()
        if self._mends:
            log.info("audit log %s: log %s, head %s", self.path, self.log_id, self._head)

    def _look_back(self) -> None:
        """Read everything that a start of the gate needs, so that damage to it is found now."""
        if self.session.read_only:
            return
        with self.session.reading() as connection:
            row = unfinished(connection)
            self.sequence, digest = last_link(connection)
            edge = read_edge(connection)
            lost = self._lost(connection)
        if edge is None or edge.last != self.sequence:
            raise CorruptLog(f"audit log {self.path}: its end doesn't fit its tree: damaged")
        self.log_id, self._head = edge.log.hex(), Head(self.sequence, digest.hex())
        self.unclean = None if row is None else rows.record(row)
        if lost is not None:
            self._commit([])
        self.next_visit()
        self.operators_word()
        self.newest_run()
        for _ in self.records(
            self._now()[0] - _RECENT, event=(EventKind.UNCLEAN_END, EventKind.RECOVERED)
        ):
            pass

    def _start_anew(self, damage: StoreError) -> None:
        """Set the damaged log aside, and begin a new chain that says so."""
        assert self.path is not None
        self.session.close()
        self._noted.forget()
        with explaining(str(self.path)):
            event = put_away(self.path, self._now()[0], str(damage))
            files.make(self.path)
        prepare(self.session, self._begin)
        (self.set_aside,) = self._commit([event])

    def _begin(self, connection: Connection, why: str) -> None:
        """Give the log an identity."""
        self.append(connection, [Event(EventKind.LOG_BEGUN, time.monotonic(), detail=why)])

    @property
    def noted(self) -> Head | None:
        """The newest event that this store wrote, or that was noted beside the log before."""
        head = self._noted.head
        return None if head is None else Head(head.sequence, head.digest.hex())

    def _lost(self, connection: Connection) -> str | None:
        """What the log lacks of what was noted of it."""
        return None if self._noted.head is None else lacks(connection, self._noted.head)

    def begin_anew(self, events: Sequence[Event], why: str) -> tuple[Record, ...]:
        """Write events that fork the log's history, after a `log_begun` with a new identity.

        Raises StoreError.
        """
        self._noted.forget()
        begun = Event(EventKind.LOG_BEGUN, time.monotonic(), detail=why)
        return self.record([begun, *events])[1:]

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
            lost = self._lost(connection)
            before = [] if lost is None else self._rolled_back(connection, lost)
            written = self.append(connection, [*before, *events])
        for record in written:
            if record.event.kind is EventKind.LOG_BEGUN:
                self.log_id = str(json.loads(record.event.detail or "")["log"])
        self.sequence = written[-1].sequence
        self._head = Head(self.sequence, written[-1].digest)
        self._noted.reached(written[-1], self.log_id)
        return written[len(before) :]

    def _rolled_back(self, connection: Connection, lost: str) -> list[Event]:
        """What is written first where the log was put back or cut off: its history forks here."""
        assert self._noted.head is not None
        now, noted = time.monotonic(), self._noted.head
        sequence, digest = last_link(connection)
        said = {
            "noted": str(Head(noted.sequence, noted.digest.hex())),
            "found": str(Head(sequence, digest.hex())),
            "why": lost,
        }
        log.critical("audit log %s was rolled back: %s", self.path, lost)
        return [
            Event(EventKind.LOG_BEGUN, now, detail="rolled back"),
            Event(EventKind.LOG_ROLLED_BACK, now, detail=json.dumps(said)),
        ]

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

    def close(self) -> None:
        """Let go of the file; more than once does no harm."""
        self._noted.write()
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
