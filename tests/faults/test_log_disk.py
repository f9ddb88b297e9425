"""A full or read-only disk stops the record, not the gate's program, and heals by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.audit import LogFull, LogReadOnly, Store
from tests.logs import face_seen, judged


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
