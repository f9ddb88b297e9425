"""The counts can't be changed by SQL, are verified with the events, and can't hide an event."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from gate.audit import Store
from gate.audit.retention import last_before, prune
from gate.audit.session import Session
from gate.audit.verify.findings import Harm
from tests.logs import Clock, face_seen, first_harm, judged, tampering

CHANGES = (
    "DELETE FROM quarter",
    "DELETE FROM quarter WHERE first = (SELECT max(first) FROM quarter)",
    "UPDATE quarter SET first = first + 2, last = first + 3",
    "UPDATE quarter SET first = first + 1",
    "UPDATE quarter SET last = last - 1",
    "UPDATE quarter SET quarter = quarter + 90",
    "INSERT OR REPLACE INTO quarter SELECT quarter, last, last FROM quarter",
    "INSERT INTO quarter VALUES (1, 1, 1)",
    "DELETE FROM tally",
    "UPDATE tally SET count = count + 1",
    "UPDATE tally SET count = count - 1",
    "UPDATE tally SET quarter = quarter + 90",
    "INSERT OR REPLACE INTO tally SELECT quarter, what, 1 FROM tally",
    "INSERT INTO tally VALUES (1, 1, 1)",
)


@pytest.fixture
def long(store: Store, clock: Clock) -> Store:
    """A log of two hours, a visit each five minutes."""
    for visit in range(24):
        clock.forward(timedelta(minutes=5))
        store.record([face_seen(visit), face_seen(visit)])
    return store


@pytest.mark.slow
@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_sql_cannot_change_the_counts(
    long: Store, path: Path, change: str, *, pruned: bool
) -> None:
    """Counts and times are refused any change but the event's own, also after a pruning."""
    if pruned:
        prune(long.session, long.append, lambda connection: 7, monotonic=1.0)
    with closing(sqlite3.connect(path)) as log, pytest.raises(sqlite3.IntegrityError):
        log.execute(change)
    assert judged(path).whole


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_changed_counts_are_found(long: Store, path: Path, change: str) -> None:
    """With the triggers dropped, a plain verification finds each change."""
    with tampering(path) as log:
        log.execute(change)
    assert first_harm(path)[0] in (Harm.MISCOUNTED, Harm.TRUNCATED)


@pytest.mark.parametrize("change", [change for change in CHANGES if "quarter" in change[:25]])
def test_a_wrong_time_hides_no_event(long: Store, path: Path, clock: Clock, change: str) -> None:
    """A search by time finds every event, whatever was done to the times' table."""
    since = clock.wall - timedelta(minutes=61)
    expected = [record.sequence for record in long.records(since=since)]
    early = [record.sequence for record in long.records(until=since)]
    with long.session.reading() as connection:
        last = last_before(connection, since, clock.wall)
    with tampering(path) as log:
        log.execute(change)
    with Store.open(path, read_only=True) as store:
        assert [record.sequence for record in store.records(since=since)] == expected
        assert [record.sequence for record in store.records(until=since)] == early
    with closing(Session(path)) as session, session.reading() as connection:
        assert last_before(connection, since, clock.wall) == last


def test_a_pruned_log_is_still_searched_by_its_times(long: Store, clock: Clock) -> None:
    """A pruning leaves the times right, also where the clock went back before."""
    clock.forward(timedelta(hours=-1))
    long.record([face_seen(99)])
    for last in (7, 20, 31):
        prune(long.session, long.append, lambda _, last=last: last, monotonic=1.0)  # type: ignore[misc]  # the default is the loop's value
        found = list(long.records(since=clock.wall))
        everything = [record for record in long.records() if record.wall >= clock.wall]
        assert found == everything
