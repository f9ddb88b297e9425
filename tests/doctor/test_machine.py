"""Clock, disk, memory and power: every verdict, and that its advice is the right one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate.doctor.finding import Grade
from gate.hardware.board import Strain
from tests.doctor.patients import WELL, config, patient, texts, verdicts

OK, WARN, FAIL, SKIPPED = Grade.OK, Grade.WARN, Grade.FAIL, Grade.SKIPPED
LOW = frozenset({Strain.UNDER_VOLTAGE})


@pytest.mark.parametrize("part", ["clock", "disk", "memory", "power"])
def test_a_pi_at_ease_is_well(part: str) -> None:
    """One line, and nothing to do."""
    assert verdicts(part, patient()) == [OK]


@pytest.mark.parametrize(
    ("part", "board", "verdict", "advice"),
    [
        ("clock", {"clock_synchronised": False}, WARN, "set-ntp true"),
        ("clock", {"clock_synchronised": False, "clock_chip": False}, WARN, "fit a clock chip"),
        ("disk", {"disk_free": 2**20}, FAIL, "journalctl --vacuum"),
        ("disk", {"disk_free": 100 * 2**20}, WARN, "larger card"),
        ("disk", {"inodes_free": 10}, WARN, "df -i"),
        ("disk", {"read_only": True}, FAIL, "replace the card"),
        ("disk", {"disk_free": None}, SKIPPED, ""),
        ("memory", {"memory_available": 60 * 2**20}, WARN, "ps aux"),
        ("memory", {"memory_available": None}, SKIPPED, ""),
        ("power", {"strain": LOW}, FAIL, "own power supply"),
        ("power", {"strain_before": LOW}, WARN, "own power supply"),
        ("power", {"temperature": 86.0}, FAIL, "heat sink"),
        ("power", {"temperature": 78.0}, WARN, "heat sink"),
        ("power", {"strain": frozenset({Strain.THROTTLED})}, WARN, "heat sink"),
        ("power", {"strain": None, "strain_before": None}, SKIPPED, ""),
    ],
)
def test_a_trouble_has_its_verdict_and_its_advice(
    part: str, board: dict[str, Any], verdict: Grade, advice: str
) -> None:
    """What is wrong is said first, what to do after it."""
    who = patient(board=replace(WELL, **board))
    assert verdict in verdicts(part, who)
    assert advice in texts(part, who)


def test_a_clock_that_was_never_set() -> None:
    """1970 is no matter of NTP's precision: the log would be worthless."""
    who = patient(now=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    assert verdicts("clock", who) == [FAIL]
    assert "never set" in texts("clock", who)


def test_hours_without_a_time_zone() -> None:
    """Raspberry Pi OS Lite may stand at UTC; opening hours mean the wall clock of the place."""
    hours = [{"opens": "09:00", "closes": "18:00"}]
    who = patient(config(lane={"hours": hours}))
    local = datetime.now().astimezone().tzname()
    assert (WARN in verdicts("clock", who)) is (local == "UTC")
    zoned = patient(config(lane={"hours": hours, "timezone": "Europe/Berlin"}))
    assert verdicts("clock", zoned) == [OK]


def test_the_firmware_remembers_what_the_kernel_forgot() -> None:
    """An under-voltage at night is still told in the morning."""
    assert verdicts("power", patient(history=LOW)) == [WARN]
    assert "none since the boot" in texts("power", patient(history=frozenset()))


def machine(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(("kind", "verdict"), [("tmpfs", WARN), ("overlay", WARN), ("ext4", OK)])
def test_a_log_that_a_restart_would_lose(tmp_path: Path, kind: str, verdict: Grade) -> None:
    """An overlay root looks writable and forgets everything; the last mount on a place counts."""
    mounts = f"/dev/root / ext4 rw 0 0\nx /var/lib btrfs rw 0 0\nx /var/lib {kind} rw 0 0\n"
    who = patient(root=machine(tmp_path, proc__self__mounts=mounts))
    assert verdicts("disk", who) == [verdict]


def test_signs_of_a_worn_card(tmp_path: Path) -> None:
    """The file system's errors are all that an SD card tells; an eMMC tells its age."""
    root = machine(
        tmp_path,
        sys__fs__ext4__mmcblk0p2__errors_count="3\n",
        sys__block__mmcblk0__device__pre_eol_info="0x03\n",
    )
    said = texts("disk", patient(root=root))
    assert "noted 3 errors" in said
    assert "nearly used up" in said
    machine(
        tmp_path,
        sys__fs__ext4__mmcblk0p2__errors_count="0\n",
        sys__block__mmcblk0__device__pre_eol_info="0x01\n",
    )
    assert verdicts("disk", patient(root=root)) == [OK]
