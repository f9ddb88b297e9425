"""A full or read-only disk stops the record, not the gate's program, and heals by itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gate.audit import LogFull, LogReadOnly, Store
from gate.audit.errors import explained
from gate.config import Config, StoreSettings
from gate.doctor.facts import Patient
from gate.doctor.finding import Grade
from gate.doctor.log import log
from tests.cli.calls import call
from tests.daemons import Manager, WriteConfig, running
from tests.logs import face_seen, judged
from tests.waiting import until


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs root, to mount a small file system: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(store: Store) -> None:
    """Record until there is no room."""
    while True:
        store.record([face_seen(1)] * 50)


@pytest.mark.slow
def test_a_full_disk(disk: Path) -> None:
    """When the disk is full, nothing half is written; with space again, the same store goes on."""
    path = disk / "audit.db"
    with Store.open(path) as store:
        (disk / "filler").write_bytes(bytes(512 * 1024))
        with pytest.raises(LogFull, match="disk is full"):
            fill(store)
        done = next(store.records(newest_first=True)).sequence
        with pytest.raises(LogFull):
            store.record([face_seen(1)] * 50)
        assert judged(path).head.sequence == done
        (disk / "filler").unlink()
        assert store.record([face_seen(2)])[0].sequence == done + 1
    assert judged(path).whole


def full_log(disk: Path) -> Path:
    """A log of some hundred events on a disk that takes nothing more."""
    path = disk / "audit.db"
    with Store.open(path) as store:
        for visit in range(1, 11):
            store.record([face_seen(visit)] * 50)
    stuff(disk)
    return path


def stuff(disk: Path) -> None:
    """Leave no room on the disk."""
    with (disk / "filler").open("ab", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(1024)):
            pass


@pytest.mark.slow
def test_each_command_says_that_the_disk_is_full_and_what_helps(disk: Path, tmp_path: Path) -> None:
    """No command calls it a dying card, gives an advice that fails too, or ends in a traceback."""
    path = full_log(disk)
    for words in (
        ("prune", "--older-than", "0", "--trust-clock"),
        ("backup", disk / "copies"),
        ("export", disk / "e.csv"),
        ("export", disk / "e.db", "--format", "sqlite"),
        ("salvage", disk / "left.csv"),
    ):
        result = call("audit", *words, "--database", path)
        (line,) = result.stderr.splitlines()
        assert result.exit_code == 1, words
        assert "the disk is full; make room" in line
        assert "or run `smile-gate audit prune`" not in line
    assert sorted(one.name for one in disk.glob("e.*")) == []
    for command in (["list"], ["verify"], ["export", str(tmp_path / "e.csv"), "--no-record"]):
        assert call("audit", *command, "--database", path).exit_code == 0
    (disk / "filler").unlink()
    pruned = call("audit", "prune", "--older-than", "0", "--trust-clock", "--database", path)
    assert "events deleted" in pruned.stdout


@pytest.mark.slow
def test_the_doctor_does_not_call_a_log_on_a_full_disk_writable(disk: Path) -> None:
    """Its row for the log and its row for the disk agree."""
    path = full_log(disk)
    (found,) = log(Patient(Config(store=StoreSettings(path=path))))
    assert found.verdict is Grade.FAIL
    assert "its disk is full: it can't be written" in found.seen
    (disk / "filler").unlink()
    (found,) = log(Patient(Config(store=StoreSettings(path=path))))
    assert found.verdict is Grade.OK


@pytest.mark.slow
@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN])
def test_a_full_disk_by_another_name_is_a_full_disk(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite calls it an input or output error where it can't make its own files."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    where = str(tmp_path / "audit.db")
    assert not isinstance(explained(error, where), LogFull)
    monkeypatch.setattr("gate.audit.errors.is_full", lambda path: True)
    assert isinstance(explained(error, where), LogFull)


@pytest.mark.slow
def test_a_close_on_a_full_disk_is_not_called_kept(
    disk: Path, write_config: WriteConfig, manager: Manager
) -> None:
    """It says that a restart forgets it, with exit code 1; once there is room it is kept."""
    path = full_log(disk)
    (disk / "filler").unlink()
    config = write_config(camera={"loop": True}, store={"path": str(path)})
    words = ("close", "--reason", "wet floor", "--config", config)
    with running(config, manager) as process:
        manager.wait_for("READY=1")
        for _ in range(100):  # the log has some room of its own, for a few events
            stuff(disk)
            result = call(*words)
            if result.exit_code:
                break
            call("reopen", "--config", config)
        assert result.exit_code == 1
        assert "the lane is closed until: smile-gate reopen; BUT A RESTART" in result.stdout
        (disk / "filler").unlink()
        until(lambda: call(*words).exit_code == 0, "a close that is kept")
        process.kill()
        process.wait()
    with running(config, manager):
        manager.wait_for("READY=1")
        status = json.loads(call("status", "--json", "--config", config).stdout)
        assert status["lane"]["closed_by"] == ["operator"]


@pytest.mark.slow
def test_a_read_only_disk(disk: Path) -> None:
    """A log on a read-only disk can be read and verified, but not opened to be written."""
    path = disk / "audit.db"
    with Store.open(path) as store:
        store.record([face_seen(1)])
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(LogReadOnly) as caught:
        Store.open(path)
    assert "\n" not in str(caught.value)
    assert judged(path).whole
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    with Store.open(path) as store:
        assert store.record([face_seen(2)])[0].sequence == 3


@pytest.mark.slow
def test_permission_lost(tmp_path: Path) -> None:
    """Without the right to write, opening says whose the file must be."""
    path = tmp_path / "audit.db"
    with Store.open(path) as store:
        store.record([face_seen(1)])
    for place, mode in ((path, 0o444), (tmp_path, 0o555), (tmp_path.parent, 0o755)):
        place.chmod(mode)
    nobody = 65534
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(nobody)
    try:
        with pytest.raises(LogReadOnly, match="owner"):
            Store.open(path)
    finally:
        if was_root:
            os.seteuid(0)
        tmp_path.chmod(0o755)
