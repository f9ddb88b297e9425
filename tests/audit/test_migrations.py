"""An older log is brought up to date after a backup, or stays as it was."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gate.audit import Store, migrations, schema
from gate.core.domain import EventKind
from gate.errors import StoreError
from tests.logs import face_seen, judged

OLD = Path(__file__).parent / "logs-0.1.0"
"""Logs that smile-gate 0.1.0 (commit 105dac2) wrote, as SQL."""
LOGS = ("plain", "pruned", "crash", "words")


def restored(name: str, path: Path) -> dict[int, str]:
    """Make a log of its SQL at `path`; the digests of its events."""
    with closing(sqlite3.connect(path)) as log:
        log.executescript((OLD / f"{name}.sql").read_text(encoding="utf-8"))
        rows = log.execute("SELECT sequence, digest FROM event")
        return {sequence: digest.hex() for sequence, digest in rows}


@pytest.mark.parametrize("name", LOGS)
def test_every_old_event_keeps_its_digest(
    name: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An upgrade changes no event, says so, and the log is whole before, after, and later."""
    caplog.set_level(logging.WARNING)
    old = restored(name, path)
    assert judged(path).whole
    with Store.open(path) as store:
        begun = next(store.records(after=max(old)))
        assert begun.event.kind is EventKind.LOG_BEGUN
        assert "upgraded from layout 1" in (begun.event.detail or "")
        assert f'"before": "{old[max(old)]}"' in (begun.event.detail or "")
        store.record([face_seen(99)])
        kept = {record.sequence: record.digest for record in store.records()}
    assert kept.items() > old.items()
    assert f"all events up to {max(old)} keep their digests" in caplog.text
    verdict = judged(path)
    assert verdict.whole, verdict.findings
    (copy,) = path.parent.glob("audit.db.layout-1-*")
    assert judged(copy).whole
    with pytest.raises(StoreError, match="older"):
        Store.open(copy, read_only=True)


@pytest.mark.parametrize("name", LOGS)
def test_a_changed_old_event_is_found_after_the_upgrade(name: str, path: Path) -> None:
    """Rule 1 still covers the words of what was written by it."""
    old = restored(name, path)
    with Store.open(path):
        pass
    for change in ("who = 'eve'", "detail = NULL, who = NULL, words = x'00'", "monotonic = 7"):
        copy = path.with_name("copy.db")
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as log, closing(sqlite3.connect(copy)) as other:
            log.backup(other)
            other.execute("DROP TRIGGER event_unchanged")
            other.execute(f"UPDATE event SET {change} WHERE sequence = ?", (max(old) - 1,))
            unchanged = [it for it in schema.trigger_statements() if " event_unchanged " in it]
            other.execute(unchanged[0])
            other.commit()
            other.execute("PRAGMA journal_mode=DELETE")
        found = judged(copy).findings
        if "NULL" not in change or name == "words":
            assert [finding.sequence for finding in found] == [max(old) - 1], change


@pytest.mark.parametrize("name", LOGS)
def test_a_changed_old_log_is_found_before_the_upgrade(name: str, path: Path) -> None:
    """A log of layout 1 is verified as it stands."""
    old = restored(name, path)
    with closing(sqlite3.connect(path)) as log, log:
        log.execute("DROP TRIGGER event_unchanged")
        log.execute("UPDATE event SET monotonic = 7 WHERE sequence = ?", (max(old) - 1,))
    assert {finding.sequence for finding in judged(path).findings} == {None, max(old) - 1}


def add_a_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE event ADD COLUMN lane INTEGER")


@pytest.fixture
def newer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose layout is one further than that of the log, which has one event more."""
    store.record([face_seen(1)])
    store.close()
    monkeypatch.setattr(schema, "VERSION", 3)
    monkeypatch.setitem(migrations.MIGRATIONS, 2, add_a_column)


@pytest.mark.usefixtures("newer")
def test_an_older_log_is_upgraded_after_a_backup(path: Path) -> None:
    """The log is upgraded where it is, still whole, and the old one is kept beside it."""
    with Store.open(path) as store:
        store.record([face_seen(2)])
    assert judged(path).whole
    (kept,) = path.parent.glob("audit.db.layout-2-*")
    with pytest.raises(StoreError, match="older"):
        Store.open(kept, read_only=True)


@pytest.mark.usefixtures("newer")
def test_reading_upgrades_nothing(path: Path) -> None:
    """A command that only reads says how the log is upgraded, and leaves it."""
    before = path.read_bytes()
    with pytest.raises(StoreError, match="start smile-gate once"):
        Store.open(path, read_only=True)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("newer")
def test_an_upgrade_that_fails_leaves_the_old_log(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that fails undoes all before it."""

    def fails(connection: Connection) -> None:
        add_a_column(connection)
        add_a_column(connection)

    monkeypatch.setitem(migrations.MIGRATIONS, 2, fails)
    with pytest.raises(StoreError):
        Store.open(path, mends=False)
    monkeypatch.undo()
    with Store.open(path) as store:
        assert len(list(store.records())) == 2
    assert judged(path).whole
