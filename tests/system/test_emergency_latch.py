"""The file of an emergency that nobody has cleared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.system.emergency_latch import NAME, EmergencyLatch


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "run", tmp_path / "state"]
    for folder in found:
        folder.mkdir()
    return found


def test_a_latch_holds_until_it_is_cleared(folders: list[Path]) -> None:
    """It is in every folder, also for the next process, and gone from all of them afterwards."""
    latch = EmergencyLatch(folders)
    assert not latch.is_set()
    assert latch.set("emergency_input")
    assert latch.set("again")
    assert EmergencyLatch(folders[1:]).is_set()
    assert "emergency_input" in (folders[0] / NAME).read_text()
    latch.clear()
    latch.clear()
    assert not latch.is_set()
    assert not any(list(folder.iterdir()) for folder in folders)


def test_one_folder_is_enough(folders: list[Path], tmp_path: Path) -> None:
    """A card that cannot be written, or a boot that empties the memory, does not end it."""
    assert EmergencyLatch([tmp_path / "nowhere", folders[0]]).set("why")
    assert EmergencyLatch([folders[1], folders[0]]).is_set()
    assert not EmergencyLatch([tmp_path / "nowhere"]).set("why")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"[" * 100_000])
def test_a_damaged_latch_counts(folders: list[Path], content: bytes) -> None:
    """What is in the file cannot end an emergency."""
    (folders[1] / NAME).write_bytes(content)
    assert EmergencyLatch(folders).is_set()


def test_a_latch_that_cannot_be_removed_is_an_error(folders: list[Path]) -> None:
    """The others are removed, and the emergency is still there."""
    latch = EmergencyLatch(folders)
    latch.set("why")
    (folders[0] / NAME).unlink()
    (folders[0] / NAME).mkdir()
    with pytest.raises(OSError, match=os.strerror(21)):
        latch.clear()
    assert not (folders[1] / NAME).exists()
    assert latch.is_set()


def test_memory_and_card_are_parts_of_one_latch(tmp_path: Path) -> None:
    """What is in memory can be set at once; either part alone is an emergency."""
    folders = [tmp_path / name for name in ("run", "state", "more")]
    for folder in folders:
        folder.mkdir()
    latch = EmergencyLatch(folders)
    latch.in_memory.set("memory")
    assert [(folder / NAME).exists() for folder in folders] == [True, False, False]
    assert latch.is_set()
    latch.in_memory.clear()
    latch.on_card.set("card")
    assert [(folder / NAME).exists() for folder in folders] == [False, True, True]
    assert latch.is_set()
    alone = EmergencyLatch([tmp_path])
    assert not alone.in_memory.set("there is none")
    assert alone.on_card.set("card")
