"""The log keeps what it was given, in order, or says that it could not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gate.audit import LogInUse, LogReadOnly, Store
from gate.core.domain import Event, EventKind, Reason, State
from gate.errors import StoreError
from tests.logs import Clock, face_seen, granted, left


def test_what_was_recorded_is_read_back(store: Store, clock: Clock) -> None:
    """Every field of an event comes back as it was given, with the time and the origin."""
    event = Event(
        EventKind.OPERATOR_GRANTED,
        12.25,
        State.IDLE,
        State.GRANTED,
        Reason.OPERATOR,
        visit=7,
        score=0.29,
        frames=3,
        frame=99,
        who="Žofie | 'x'",
        detail='ticket "12"',
    )
    written = store.record([event])
    assert list(store.records(after=1)) == list(written)
    (record,) = written
    assert record.event == event
    assert (record.sequence, record.boot, record.wall) == (2, "boot-1", clock.wall)
    assert (record.origin.gate, record.origin.threshold, record.clock_trusted) == (
        "lane 2",
        0.5,
        True,
    )


def test_a_grant_knows_how_long_the_guest_waited(store: Store) -> None:
    """A grant carries the seconds since its own guest was first seen, and nothing else does."""
    records = store.record([face_seen(1, 10.0), granted(1, 12.5), face_seen(2), granted(3)])
    assert [record.waited for record in records] == [None, 2.5, None, None]


def test_sequence_numbers_have_no_gaps_across_runs(path: Path) -> None:
    """Numbers go on where the last run stopped."""
    for _ in range(3):
        with Store.open(path) as store:
            store.record([face_seen(1), left(1)])
    with Store.open(path, read_only=True) as store:
        assert [record.sequence for record in store.records()] == list(range(1, 8))


def test_all_or_nothing(store: Store) -> None:
    """When one event of a transaction can't be written, none is, and the store goes on."""
    with pytest.raises(StoreError):
        store.record([face_seen(1), Event(EventKind.GRANTED, 1.0, visit=2**70)])
    assert len(list(store.records())) == 1
    assert store.record([face_seen(1)])[0].sequence == 2


def test_visits_go_on_from_the_highest(store: Store, path: Path) -> None:
    """A new run doesn't give a visit number that was used before."""
    assert store.next_visit() == 1
    store.record([face_seen(41), left(41)])
    with Store.open(path) as later:
        assert later.next_visit() == 42


def test_a_run_that_never_stopped_is_noticed(path: Path) -> None:
    """Opening says when the last run never `stopped`, until `unclean_end` is recorded."""
    with Store.open(path) as store:
        assert store.unclean is None
        store.record([Event(EventKind.STARTED, 0.0), face_seen(1)])
        store.record([Event(EventKind.BACKED_UP, 1.0)])
    with Store.open(path) as store:
        assert store.unclean is not None
        assert store.unclean.event == face_seen(1)
        store.record([Event(EventKind.UNCLEAN_END, 0.0)])
    with Store.open(path) as store:
        assert store.unclean is None
        store.record([Event(EventKind.STARTED, 0.0), Event(EventKind.STOPPED, 1.0)])
        store.record([Event(EventKind.EXPORTED, 1.0)])
    with Store.open(path) as store:
        assert store.unclean is None


def test_memory_keeps_no_file(tmp_path: Path) -> None:
    """A log in memory works like any other, survives a failed write, and leaves nothing behind."""
    with Store.open(None) as store:
        store.record([face_seen(1)])
        with pytest.raises(StoreError):
            store.record([Event(EventKind.GRANTED, 1.0, visit=2**70)])
        assert len(list(store.records())) == 2
    assert list(tmp_path.iterdir()) == []


def test_commits_reach_the_card(store: Store) -> None:
    """The connection writes ahead and syncs each commit."""
    with store.session.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_threads_share_the_store(store: Store) -> None:
    """Threads that record at once leave no gap and lose nothing."""
    threads = [
        threading.Thread(target=lambda n=n: [store.record([face_seen(n)]) for _ in range(20)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.sequence for record in store.records()] == list(range(1, 82))


def test_two_programs_write_one_chain(store: Store, path: Path) -> None:
    """A command that records while the gate runs makes no gap, and the gate goes on after it."""
    store.record([face_seen(1)])
    with Store.open(path, boot="boot-1") as command:
        command.record([Event(EventKind.EXPORTED, 1.0, who="auditor")])
    assert store.record([left(1)])[0].sequence == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET score = 1",
        "DELETE FROM event",
        "INSERT OR REPLACE INTO event SELECT * FROM event",
        "INSERT INTO event (sequence, origin, what, wall, trusted, monotonic, digest)"
        " VALUES (4, 1, 1, 0, 0, 0, x'00')",
        "UPDATE what SET reason = 'operator'",
        "DELETE FROM what",
        "UPDATE origin SET gate = 'x'",
        "DELETE FROM origin",
    ],
)
def test_the_log_is_append_only(store: Store, path: Path, statement: str) -> None:
    """SQL that would change, drop or skip an event is refused."""
    store.record([face_seen(1)])
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)
    other.close()


def test_a_locked_log_is_an_error_and_heals(store: Store, path: Path) -> None:
    """While another program holds the lock, recording fails with one line; afterwards it works."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogInUse) as caught:
        store.record([face_seen(1)])
    assert "\n" not in str(caught.value)
    other.execute("ROLLBACK")
    other.close()
    assert store.record([face_seen(1)])[0].sequence == 2


HOLD = """
import fcntl, sys
log, shared = open(sys.argv[1], "rb"), open(sys.argv[1] + "-shm", "rb")
fcntl.lockf(shared, fcntl.LOCK_SH, 1, 120)
fcntl.lockf(log, fcntl.LOCK_SH, 510, 0x40000002)
print("held", flush=True)
sys.stdin.read()
"""
"""Locks that need no more than the right to read (SQLite: WAL-index format, file locking)."""


@pytest.mark.slow
def test_a_lock_by_who_may_only_read_is_a_log_in_use(store: Store, path: Path) -> None:
    """Each write is refused as one of a log in use, the log opened anew too, and it heals."""
    store.record([face_seen(1)])
    reader = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(reader, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for _ in range(2):
            with pytest.raises(LogInUse):
                store.record([left(1)])
        holder.communicate()
    assert store.record([left(1)])[0].sequence == 3


def test_a_file_that_is_taken_away_is_noticed(store: Store, path: Path) -> None:
    """Events don't go into a file that no longer has a name."""
    store.record([face_seen(1)])
    path.rename(path.with_name("moved.db"))
    with pytest.raises(StoreError):
        store.record([left(1)])
    assert not path.exists()


def test_another_programs_database_is_refused(path: Path) -> None:
    """A database that isn't an audit log is left as it is."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cake (slices INTEGER)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_newer_log_is_refused(store: Store, path: Path) -> None:
    """A log of a newer program is refused with one line that says to upgrade."""
    with store.session.writing() as connection:
        connection.exec_driver_sql("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="upgrade smile-gate"):
        Store.open(path)


def test_reading_only_writes_nothing(store: Store, path: Path) -> None:
    """A log that was opened to be read refuses to record, and one that isn't there isn't made."""
    store.record([face_seen(1)])
    with Store.open(path, read_only=True) as reader, pytest.raises(LogReadOnly):
        reader.record([left(1)])
    with pytest.raises(StoreError, match="no such file"):
        Store.open(path.with_name("other.db"), read_only=True)
    assert not path.with_name("other.db").exists()


def test_the_wall_clock_may_jump(store: Store, clock: Clock) -> None:
    """Years forward or back change neither the order nor what a time finds."""
    for years in (0, -50, 30, 0):
        clock.forward(timedelta(days=365 * years))
        store.record([face_seen(1)])
    assert [record.sequence for record in store.records()] == [1, 2, 3, 4, 5]
    here = clock.wall - timedelta(seconds=1)
    assert [record.sequence for record in store.records(since=here)] == [1, 2, 4, 5]
    assert [record.sequence for record in store.records(until=here)] == [3]
