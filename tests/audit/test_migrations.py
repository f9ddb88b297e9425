"""An older log is brought up to date after a backup, or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from gate.audit import Store, migrations, schema
from gate.errors import StoreError
from tests.logs import face_seen, judged


def add_a_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE event ADD COLUMN lane INTEGER")


@pytest.fixture
def newer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose layout is one further than that of the log, which has one event."""
    store.record([face_seen(1)])
    store.close()
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(migrations.MIGRATIONS, 1, add_a_column)


@pytest.mark.usefixtures("newer")
def test_an_older_log_is_upgraded_after_a_backup(path: Path) -> None:
    """The log is upgraded where it is, still whole, and the old one is kept beside it."""
    with Store.open(path) as store:
        store.record([face_seen(2)])
    assert judged(path).whole
    (kept,) = path.parent.glob("audit.db.layout-1-*")
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

    monkeypatch.setitem(migrations.MIGRATIONS, 1, fails)
    with pytest.raises(StoreError):
        Store.open(path)
    monkeypatch.undo()
    with Store.open(path) as store:
        assert len(list(store.records())) == 1
    assert judged(path).whole
