"""A power cut loses nothing that was said to be done, whichever unsynced writes reached the card.

The writer runs with a library between it and the kernel that writes down each write, truncation
and sync, and each of its own acknowledgements. From that journal the folder is laid out as a power
cut would have left it: what was synced is there; of what came later, any part may be, torn at any
sector. That isn't a real card: it believes that a sync is a sync, and that a sector is written
whole or not at all.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.logs import judged

CUTS = int(os.environ.get("SMILE_GATE_CUTS", "40"))
"""How many power cuts: 40 in `make test`, 1,000 in `make faults`."""
TRANSACTIONS = 150
SECTOR = 512
FOLDER = "log"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the writer did."""

    operation: str
    name: str
    offset: int
    data: bytes


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    """What a writer did, from an empty folder to its end."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, to build the library that writes down what reaches the card")
    place = tmp_path_factory.mktemp("power")
    library, log, folder = place / "lossy.so", place / "journal", place / FOLDER
    folder.mkdir()
    source = Path(__file__).with_name("lossy.c")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60
    )
    shim = {"LD_PRELOAD": str(library), "LOSSY_FOLDER": str(folder), "LOSSY_JOURNAL": str(log)}
    subprocess.run(
        [sys.executable, "-m", "tests.faults.writer", folder / "audit.db", str(TRANSACTIONS)],
        env=os.environ | shim,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    return list(steps(log.read_bytes()))


def steps(journal: bytes) -> Iterator[Step]:
    """The records of the journal; its format is in lossy.c."""
    head = struct.Struct("=cIqq")
    at = 0
    while at < len(journal):
        operation, length, offset, size = head.unpack_from(journal, at)
        at += head.size
        name = Path(journal[at : at + length].decode()).name
        at += length
        yield Step(operation.decode(), name, offset, journal[at : at + size])
        at += size


def cut(done: list[Step], dice: random.Random | None) -> tuple[dict[str, bytearray], int]:
    """The files as a power cut after these steps leaves them, and the last acknowledged event.

    Without dice the card ignores syncs, and loses all: to see that the test would notice.
    """
    synced: dict[str, int] = {}
    for number, step in enumerate(done):
        if step.operation == "S" and dice is not None:
            synced[step.name] = number
    files: dict[str, bytearray] = {}
    acknowledged = 0
    for number, step in enumerate(done):
        sure = number < synced.get(step.name, -1)
        if step.operation == "A" and step.data.startswith(b"done "):
            acknowledged = int(step.data[5:])
        elif step.operation == "U":
            if number < synced.get(FOLDER, -1) or (dice and dice.random() < 0.5):
                files.pop(step.name, None)
        elif step.operation == "T":
            if sure or (dice and dice.random() < 0.5):
                file = files.setdefault(step.name, bytearray())
                file[step.offset :] = bytes(max(0, step.offset - len(file)))
        elif step.operation == "W":
            file = files.setdefault(step.name, bytearray())
            for start in range(0, len(step.data), SECTOR):
                if sure or (dice and dice.random() < 0.5):
                    put(file, step.offset + start, step.data[start : start + SECTOR])
    return files, acknowledged


def put(file: bytearray, offset: int, data: bytes) -> None:
    """Write into a file, which grows where needed."""
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(data)] = data


def lay_out(files: dict[str, bytearray], folder: Path) -> Path:
    """Write the files into an empty folder; the path of the log."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder / "audit.db"


@pytest.mark.slow
def test_an_acknowledged_event_survives(journal: list[Step], tmp_path: Path) -> None:
    """Wherever the power is cut, the log opens, is whole, and has every acknowledged event."""
    dice = random.Random(40)
    first = next(number for number, step in enumerate(journal) if step.data.startswith(b"done "))
    for _ in range(CUTS):
        files, acknowledged = cut(journal[: dice.randrange(first, len(journal))], dice)
        verdict = judged(lay_out(files, tmp_path / "after"))
        assert verdict.whole, verdict.findings
        assert verdict.head.sequence >= acknowledged


def test_a_card_that_ignores_syncs_is_noticed(journal: list[Step]) -> None:
    """The same cut on a card that loses what was synced leaves nothing: the test can fail."""
    files, acknowledged = cut(journal, None)
    assert acknowledged > TRANSACTIONS
    assert not any(files.values())
