"""A file is there whole, or it is as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.system import durable, emergency_latch
from gate.system.emergency_latch import EmergencyLatch


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced, in order: a file's content or a folder's names."""
    calls: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return calls


def test_the_content_is_synced_before_the_name(tmp_path: Path, synced: list[str]) -> None:
    """A power cut at any moment leaves the old file or the new one, never an empty one."""
    path = tmp_path / "kept.json"
    durable.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert synced == ["kept.json.part", tmp_path.name]


def test_a_file_for_this_run_only_spares_the_card(tmp_path: Path, synced: list[str]) -> None:
    """Without sync it is still replaced at once."""
    path = tmp_path / "gate.prom"
    durable.write(path, b"1", mode=0o644, sync=False)
    assert path.read_bytes() == b"1"
    assert not synced


def test_what_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that refuses costs nothing that was there, and no half file stays."""
    path = tmp_path / "kept.json"
    durable.write(path, b"old")

    def refuse(_: int) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no"):
        durable.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.json"]


def test_permissions_are_the_callers(tmp_path: Path) -> None:
    """A mode is exact, whatever the umask; without one the umask decides."""
    before = os.umask(0o027)
    try:
        durable.write(tmp_path / "open", b"", mode=0o644)
        durable.write(tmp_path / "closed", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o640


def test_a_new_file_is_new_and_private(tmp_path: Path) -> None:
    """Making a file follows no link and takes no file that is there; only its owner may read it."""
    victim = tmp_path / "victim"
    link = tmp_path / "link"
    link.symlink_to(victim)
    for place in (link, tmp_path):
        with pytest.raises(FileExistsError):
            durable.create(place)
    victim.write_bytes(b"mine")
    for place in (link, victim):
        with pytest.raises(FileExistsError):
            durable.create(place)
    assert victim.read_bytes() == b"mine"
    durable.create(tmp_path / "new").close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a file for somebody else")
def test_what_root_writes_for_a_gate_is_the_gate_s(tmp_path: Path) -> None:
    """Only their owner may read them, and without the lines' record safe-state would be lost."""
    os.chown(tmp_path, 65534, 65534)
    lines_file.write([tmp_path], LinesInForce("mock", ()))
    EmergencyLatch([tmp_path]).set("why")
    made = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert made.keys() == {lines_file.NAME, emergency_latch.NAME}
    assert {(found.st_uid, found.st_gid) for found in made.values()} == {(65534, 65534)}
