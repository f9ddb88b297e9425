"""A backup is whole or it isn't there, and nothing is replaced without leaving the old one."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.audit import LogInUse, Store
from gate.audit.backup import Backup, back_up, restore
from gate.audit.files import set_aside
from gate.core.domain import Event, EventKind
from gate.errors import StoreError
from tests.logs import face_seen, judged, tampering

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


def backed_up(store: Store, folder: Path, days: int = 0, keep: int = 3) -> Backup:
    return back_up(store, folder, keep=keep, now=NOW + timedelta(days=days), monotonic=1.0)


def test_a_backup_is_a_whole_log(busy: Store, tmp_path: Path) -> None:
    """The copy is one file with every event up to then, and the log says where its head was."""
    made = backed_up(busy, tmp_path / "backups")
    assert [found.name for found in made.path.parent.iterdir()] == ["audit-20260501T090000Z.db"]
    assert judged(made.path).head.sequence == 21
    said = next(busy.records(newest_first=True)).event
    assert said.kind is EventKind.BACKED_UP
    assert json.loads(said.detail or "")["head"].startswith("21:")


def test_old_backups_make_room(busy: Store, tmp_path: Path) -> None:
    """The newest copies are kept, and only files that are backups of this log are removed."""
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "audit-notes.txt").touch()
    for day in range(5):
        backed_up(busy, folder, day, keep=2)
    names = sorted(found.name for found in folder.iterdir())
    assert names == ["audit-20260504T090000Z.db", "audit-20260505T090000Z.db", "audit-notes.txt"]


def test_a_log_that_is_not_whole_pushes_out_no_good_backup(
    busy: Store, path: Path, tmp_path: Path
) -> None:
    """A copy that fails its verification doesn't count: the older ones stay, and it is said."""
    folder = tmp_path / "backups"
    good = backed_up(busy, folder, keep=1).path
    with tampering(path) as log:
        log.execute("UPDATE event SET score = 1 WHERE sequence = 5")
    with pytest.raises(StoreError, match="not whole"):
        backed_up(busy, folder, days=1, keep=1)
    assert [*folder.iterdir()] == [good]


def test_a_backup_leaves_the_log_its_room(
    busy: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that would fill the disk is refused, with what is free and what is needed."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage(2**30, 2**30, 2**20))
    with pytest.raises(StoreError, match="1 MB are free, 16 MB are needed"):
        backed_up(busy, tmp_path / "backups")


def test_a_backup_is_put_back(busy: Store, path: Path, tmp_path: Path) -> None:
    """Restoring brings back the backup's events and keeps the replaced log under a dated name."""
    made = backed_up(busy, tmp_path / "backups")
    busy.record([face_seen(99)])
    busy.close()
    with pytest.raises(StoreError, match="--replace"):
        restore(path, made.path, now=NOW)
    aside = restore(path, made.path, now=NOW, replace=True)
    assert aside is not None
    assert judged(path).head.sequence == 21
    assert judged(aside).head.sequence == 23
    with Store.open(path) as store:
        restored = Event(EventKind.RESTORED, 1.0)
        assert store.begin_anew([restored], "restored")[0].sequence == 23


def test_a_running_gates_log_is_not_replaced(busy: Store, path: Path, tmp_path: Path) -> None:
    """While another program has the log open, restoring refuses and changes nothing."""
    made = backed_up(busy, tmp_path / "backups")
    with pytest.raises(LogInUse, match="stop smile-gate"):
        restore(path, made.path, now=NOW, replace=True)
    assert busy.record([face_seen(11)])[0].sequence == 23


def test_a_bad_backup_is_not_put_back(busy: Store, path: Path, tmp_path: Path) -> None:
    """A backup that isn't whole replaces nothing."""
    made = backed_up(busy, tmp_path / "backups")
    with tampering(made.path) as log:
        log.execute("DELETE FROM event WHERE sequence = 5")
    busy.close()
    with pytest.raises(StoreError, match="not whole"):
        restore(path, made.path, now=NOW, replace=True)
    assert judged(path).whole


def test_two_logs_set_aside_at_once_keep_both(busy: Store, path: Path) -> None:
    """A dated name that is taken isn't overwritten."""
    busy.close()
    shutil.copy(path, path.with_name("copy"))
    first = set_aside(path, NOW, "corrupt")
    shutil.copy(path.with_name("copy"), path)
    assert set_aside(path, NOW, "corrupt") != first
    assert first.exists()
