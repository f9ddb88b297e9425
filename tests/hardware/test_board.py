"""What the board says of itself, from folders that stand in for /proc and /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.hardware import board
from gate.hardware.board import Board, Strain

MEMINFO = "MemTotal:        8246464 kB\nMemFree:         100 kB\nMemAvailable:    7000000 kB\n"


def pi(root: Path, **files: str) -> Path:
    """A Pi's /proc and /sys; ``files`` are added, `__` in a name is a slash."""
    there = {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0",
        "proc/loadavg": "0.42 0.30 0.20 1/150 999\n",
        "proc/meminfo": MEMINFO,
        "proc/uptime": "3600.50 14000.00\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    } | {name.replace("__", "/"): text for name, text in files.items()}
    for name, text in there.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_pi_at_ease(tmp_path: Path) -> None:
    """Every file is understood, in the units that the fields promise."""
    seen = board.read(pi(tmp_path), clock=lambda: True)
    assert seen == Board(
        model="Raspberry Pi 4 Model B Rev 1.5",
        temperature=48.312,
        strain=frozenset(),
        strain_before=frozenset(),
        load=0.42,
        memory_total=8246464 * 1024,
        memory_available=7000000 * 1024,
        clock_synchronised=True,
        up_s=3600.5,
    )


def test_the_bits_of_a_strained_pi(tmp_path: Path) -> None:
    """The lower half of the firmware's word is now, the upper half the past."""
    firmware = "sys/devices/platform/soc/soc:firmware/get_throttled"
    root = pi(tmp_path, **{firmware: "d0005\n"})
    seen = board.read(root)
    assert seen.strain == frozenset({Strain.UNDER_VOLTAGE, Strain.THROTTLED})
    limit = Strain.SOFT_TEMPERATURE_LIMIT
    assert seen.strain_before == frozenset({Strain.UNDER_VOLTAGE, Strain.THROTTLED, limit})


def test_the_sensor_alone_tells_of_too_little_voltage(tmp_path: Path) -> None:
    """Linux's own kernel has no `get_throttled`, but the alarm; what it can't say stays unknown."""
    root = pi(tmp_path, sys__class__hwmon__hwmon1__in0_lcrit_alarm="1\n")
    (root / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    seen = board.read(root)
    assert seen.strain == frozenset({Strain.UNDER_VOLTAGE})
    assert seen.strain_before is None


def test_the_firmware_is_found_where_the_bus_has_an_address(tmp_path: Path) -> None:
    """As on a Pi 5."""
    place = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    root = pi(tmp_path, **{place: "8\n"})
    (root / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    assert board.read(root).strain == frozenset({Strain.SOFT_TEMPERATURE_LIMIT})


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    """No file, no claim, no exception."""
    assert board.read(tmp_path, clock=lambda: False) == Board()


@pytest.mark.parametrize("text", ["", "\n", "not a number\n"])
def test_files_that_make_no_sense_are_unknown(tmp_path: Path, text: str) -> None:
    """A driver that writes nonsense is a driver that does not say."""
    root = pi(
        tmp_path,
        proc__loadavg=text,
        proc__meminfo=text,
        sys__class__thermal__thermal_zone0__temp=text,
        **{"sys/devices/platform/soc/soc:firmware/get_throttled": text},
    )
    seen = board.read(root)
    assert (seen.load, seen.memory_total, seen.temperature) == (None, None, None)
    assert seen.strain == frozenset()  # of the sensor


def test_the_disk_of_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    """The nearest folder that exists is on the disk that will have the log."""
    seen = board.read(tmp_path, disk=tmp_path / "not" / "yet" / "audit.db")
    assert seen.disk_free is not None
    assert seen.disk_free > 0
    assert seen.read_only is False


def test_a_strain_is_said_in_words() -> None:
    """For status and JSON."""
    assert str(Strain.UNDER_VOLTAGE) == "under_voltage"
