"""Old events go only in the open: recorded, in order, and none that nobody named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gate.audit import Store, retention
from gate.audit.retention import last_before, last_beyond, prune, used_bytes
from gate.audit.verify.findings import Harm
from gate.audit.verify.log import verify
from gate.core.domain import EventKind
from tests.logs import Clock, face_seen, first_harm, judged, tampering


def through(last: int) -> Callable[[Connection], int]:
    return lambda connection: last


def test_what_was_pruned_is_recorded(busy: Store, path: Path) -> None:
    """A pruning deletes the oldest events, says which, and leaves a whole log."""
    fifth = list(busy.records(limit=5))[-1]
    pruned = prune(busy.session, busy.append, through(5), monotonic=9.0, who="anna")
    assert pruned is not None
    assert (pruned.first, pruned.last, pruned.count) == (1, 5, 5)
    assert [record.sequence for record in busy.records()] == list(range(6, 23))
    said = next(busy.records(newest_first=True)).event
    assert (said.kind, said.who) == (EventKind.PRUNED, "anna")
    assert json.loads(said.detail or "")["digest"] == fifth.digest
    verdict = judged(path)
    assert verdict.whole
    assert (verdict.first, verdict.events, verdict.pruned) == (6, 17, 5)


def test_pruning_again_goes_on(busy: Store, path: Path) -> None:
    """Each pruning starts where the last one ended, even past its own record."""
    for last in (3, 12, 12, 22):
        prune(busy.session, busy.append, through(last), monotonic=9.0)
        assert judged(path).whole
    assert next(busy.records()).sequence == 23


def test_an_interrupted_pruning_is_finished_later(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that a pruning didn't get to delete are no finding, and go with the next one."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    delete_some = retention._delete_some
    monkeypatch.setattr(retention, "_delete_some", lambda session: delete_some(session) and False)
    prune(busy.session, busy.append, through(10), monotonic=9.0)
    assert next(busy.records()).sequence == 4
    assert judged(path).whole
    monkeypatch.setattr(retention, "_delete_some", delete_some)
    assert prune(busy.session, busy.append, through(0), monotonic=9.0) is None
    assert next(busy.records()).sequence == 11
    assert judged(path).whole


def test_a_pruned_log_still_shows_tampering(busy: Store, path: Path) -> None:
    """The chain goes on from the pruned events: the first one left can't be changed or taken."""
    prune(busy.session, busy.append, through(5), monotonic=9.0)
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence = 6")
    assert first_harm(path) == (Harm.MISSING, 6)


def test_the_counts_shrink_with_the_events(busy: Store) -> None:
    """Statistics speak of the events that are there."""
    prune(busy.session, busy.append, through(21), monotonic=9.0)
    assert verify(busy.session).whole
    with busy.session.reading() as connection:
        assert connection.exec_driver_sql("SELECT sum(count) FROM tally").scalar() == 1


def test_visit_numbers_survive(busy: Store, path: Path) -> None:
    """A visit number isn't given again after its events were pruned."""
    prune(busy.session, busy.append, through(21), monotonic=9.0)
    busy.close()
    with Store.open(path) as store:
        assert store.next_visit() == 11


def test_sql_can_delete_no_more_than_was_named(busy: Store, path: Path) -> None:
    """A checkpoint opens the log for its own events only, and can't be widened."""
    prune(busy.session, busy.append, through(5), monotonic=9.0)
    with closing(sqlite3.connect(path)) as log:
        for statement in ("DELETE FROM event", "UPDATE checkpoint SET last = 20"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                log.execute(statement)


def test_age_is_counted_from_the_oldest(busy: Store, clock: Clock) -> None:
    """All events before a time are found, and none from it on."""
    at = datetime(2026, 5, 1, 8, 3, tzinfo=UTC)
    with busy.session.reading() as connection:
        last = last_before(connection, at, clock.wall)
        assert last_before(connection, at - timedelta(days=1), clock.wall) == 0
        assert last_before(connection, at + timedelta(days=1), clock.wall) == 21
    assert last == len(list(busy.records(until=at)))


def test_a_wrong_clock_neither_blocks_nor_widens_pruning(store: Store, clock: Clock) -> None:
    """An event from 2038 doesn't keep older ones; one from 1970 doesn't take newer ones along."""
    today = datetime(2026, 5, 9, tzinfo=UTC)
    for year, day in ((2026, 1), (2038, 1), (2026, 2), (2026, 8), (1970, 1), (2026, 9)):
        clock.wall = datetime(year, 5, day, tzinfo=UTC)
        store.record([face_seen(1)])
    with store.session.reading() as connection:
        assert last_before(connection, datetime(2026, 5, 7, tzinfo=UTC), today) == 4


@pytest.mark.slow
def test_size_is_kept(store: Store) -> None:
    """A log over its limit loses its oldest events until it is below, and no more than needed."""
    for visit in range(8):
        store.record([face_seen(visit)] * 500)
    with store.session.reading() as connection:
        before = used_bytes(connection)
    limit = before // 2
    prune(store.session, store.append, lambda c: last_beyond(c, limit), monotonic=1.0)
    with store.session.reading() as connection:
        assert limit * 0.7 < used_bytes(connection) <= limit
        assert last_beyond(connection, limit) == 0
