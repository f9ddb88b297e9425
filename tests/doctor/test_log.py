"""The audit log as doctor finds it: whole, damaged, changed, locked, on a bad disk."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gate.audit import Store
from gate.audit.session import Session
from gate.audit.verify.recent import check_newest
from gate.doctor.facts import Patient, Person
from gate.doctor.finding import Grade
from tests.doctor.patients import config, patient, texts, verdicts
from tests.logs import face_seen

OK, WARN, FAIL, SKIPPED = Grade.OK, Grade.WARN, Grade.FAIL, Grade.SKIPPED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of forty events."""
    path = tmp_path / "audit.db"
    with Store.open(path) as store:
        for visit in range(1, 41):
            store.record([face_seen(visit)])
    return path


def owner(path: Path) -> Patient:
    return patient(config(store={"path": path}))


def change(path: Path, statement: str) -> None:
    """Harm the log as somebody with an SQL shell would."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(statement)
        connection.commit()


def test_a_whole_log(path: Path) -> None:
    """Looked at without a trace: not one event more, not one byte changed."""
    before = path.read_bytes()
    assert verdicts("log", owner(path)) == [OK]
    assert "events 1 to 41 are whole" in texts("log", owner(path))
    assert path.read_bytes() == before


def test_no_log_yet(tmp_path: Path) -> None:
    """Doctor does not make one: it would belong to the wrong user."""
    assert verdicts("log", owner(tmp_path / "audit.db")) == [OK]
    assert not list(tmp_path.iterdir())


def test_a_changed_event(path: Path) -> None:
    """The event is named, and the copy comes before anything else."""
    change(path, "UPDATE event SET visit = 99 WHERE sequence = 38")
    assert verdicts("log", owner(path)) == [FAIL]
    assert "38" in texts("log", owner(path))
    assert "keep a copy" in texts("log", owner(path))


def test_the_newest_part_is_what_is_followed(path: Path) -> None:
    """An old change is the nightly verification's; doctor stays quick in a log of years."""
    change(path, "UPDATE event SET visit = 99 WHERE sequence = 5")
    with closing(Session(path, read_only=True)) as session:
        newest = check_newest(session, 10)
        assert (newest.first, newest.last, newest.harm) == (32, 41, None)
        assert check_newest(session, 1000).harm is not None


def test_a_damaged_file(path: Path) -> None:
    """A torn page is damage with the way to what is left."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert verdicts("log", owner(path)) == [FAIL]
    assert "audit salvage" in texts("log", owner(path))


@pytest.mark.parametrize("content", [b"a letter to somebody" * 100, b""])
def test_a_file_that_is_no_log(tmp_path: Path, content: bytes) -> None:
    """Another file under the log's name is not a whole log."""
    path = tmp_path / "audit.db"
    path.write_bytes(content)
    assert verdicts("log", owner(path)) == ([FAIL] if content else [WARN])
    assert path.read_bytes() == content


def test_a_log_of_a_newer_program(path: Path) -> None:
    """After a downgrade: the advice is to upgrade."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert verdicts("log", owner(path)) == [FAIL]
    assert "upgrade smile-gate" in texts("log", owner(path))


def test_a_log_that_somebody_has_locked(path: Path) -> None:
    """Another program's long transaction is what keeps the gate from writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert verdicts("log", owner(path)) == [FAIL]
        assert "close that program" in texts("log", owner(path))
    assert verdicts("log", owner(path)) == [OK]


def test_a_damaged_log_that_was_set_aside(path: Path) -> None:
    """It waits for somebody who salvages it."""
    path.with_name("audit.db.damaged-20260501T080000Z").touch()
    path.with_name("audit.db.damaged-20260501T080000Z-wal").touch()
    assert verdicts("log", owner(path)) == [WARN, OK]


@pytest.mark.parametrize("hidden", ["file", "folder"])
def test_somebody_elses_log(path: Path, hidden: str) -> None:
    """Who may not look is told to use sudo; that is no failure of the gate."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    for folder in (path.parent, *path.parent.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    if hidden == "file":
        path.chmod(0o600)
    else:
        path.parent.chmod(0o700)
    os.seteuid(65534)
    try:
        found, said = verdicts("log", owner(path)), texts("log", owner(path))
    finally:
        os.seteuid(0)
    assert found == [SKIPPED]
    assert "sudo smile-gate doctor" in said


def test_a_log_that_only_the_service_may_write(path: Path) -> None:
    """Read by somebody else it is not called read-only."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    for folder in (path.parent, *path.parent.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    path.chmod(0o644)
    service = Person("smile-gate", 12345, frozenset())
    who = patient(config(store={"path": path}), service_user=service)
    os.seteuid(65534)
    try:
        found, said = verdicts("log", who), texts("log", who)
    finally:
        os.seteuid(0)
    assert found == [OK]
    assert "whether it can be written: sudo smile-gate doctor" in said
