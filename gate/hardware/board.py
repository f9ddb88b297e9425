"""State of the board: heat, power, memory, disk, clock; read from files, without any program.

The files and their meaning:

- under-voltage: the kernel's ``rpi_volt`` sensor (``drivers/hwmon/raspberrypi-hwmon.c``) asks the
  firmware every 2 s; its alarm is on when the supply was too low since the last time it asked;
- throttling: ``get_throttled`` of the firmware's driver (``drivers/firmware/raspberrypi.c`` of
  Raspberry Pi's kernels, not of Linux's own), the bits of `Strain` now and 16 places higher for
  the past. That sensor clears the past with each question, so ``strain_before`` is no memory of
  the whole boot; ``vcgencmd get_throttled`` has one, and ``smile-gate doctor`` asks it. The first
  reading after a boot leaves one "deprecated, use hwmon" notice in the kernel's log.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from gate.system.clock import synchronised

THROTTLED = "sys/devices/platform/soc*/*firmware/get_throttled"
"""``soc/soc:firmware`` up to the Pi 4, ``soc@107c000000/soc@107c000000:firmware`` on the Pi 5."""


class Strain(IntEnum):
    """States that the Pi's firmware reports; the value is the bit in ``get_throttled``.

    Source: Raspberry Pi documentation, "vcgencmd", get_throttled.
    """

    UNDER_VOLTAGE = 0
    """The supply was below 4.63 V."""
    FREQUENCY_CAPPED = 1
    THROTTLED = 2
    SOFT_TEMPERATURE_LIMIT = 3

    def __str__(self) -> str:
        """In words, for people and for JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Board:
    """One reading; None where this machine does not report it."""

    model: str | None = None
    """From the device tree, such as ``Raspberry Pi 5 Model B Rev 1.0``."""
    temperature: float | None = None
    """Of the hottest sensor, °C."""
    strain: frozenset[Strain] | None = None
    """States that the firmware reports now."""
    strain_before: frozenset[Strain] | None = None
    """States that it reports of the past: at least the last 2 s, see above."""
    load: float | None = None
    """Processes that ran or waited, mean of the last minute."""
    memory_total: int | None = None
    """Bytes."""
    memory_available: int | None = None
    """Bytes that programs can still get without swapping."""
    disk_free: int | None = None
    """Bytes that the gate's user can still write on the log's disk."""
    inodes_free: int | None = None
    """Files that can still be made there; None where the file system does not count them."""
    read_only: bool | None = None
    """Whether the log's disk is mounted read-only, as the kernel does after an error."""
    clock_synchronised: bool = False
    clock_chip: bool = False
    """Whether a real-time clock keeps the time without power."""
    up_s: float | None = None
    """Seconds since the kernel started, whatever the wall clock says."""


def read(
    root: Path = Path("/"), disk: Path | None = None, clock: Callable[[], bool] = synchronised
) -> Board:
    """Read everything below ``root``; ``disk`` is a path on the log's disk, there or not yet."""
    strain, before = _strain(root)
    memory = _memory(root)
    free, inodes, read_only = (None, None, None) if disk is None else _disk(disk)
    return Board(
        model=_text(root / "proc/device-tree/model"),
        temperature=_temperature(root),
        strain=strain,
        strain_before=before,
        load=_first_number(root / "proc/loadavg"),
        memory_total=memory.get("MemTotal"),
        memory_available=memory.get("MemAvailable"),
        disk_free=free,
        inodes_free=inodes,
        read_only=read_only,
        clock_synchronised=clock(),
        clock_chip=(root / "sys/class/rtc/rtc0").exists(),
        up_s=_first_number(root / "proc/uptime"),
    )


def strains(bits: int) -> frozenset[Strain]:
    """The strains whose bits are set; shift by 16 for those of the past."""
    return frozenset(strain for strain in Strain if bits >> strain & 1)


def _strain(root: Path) -> tuple[frozenset[Strain] | None, frozenset[Strain] | None]:
    now = before = None
    said = next((_text(path) for path in root.glob(THROTTLED)), None)
    if said is not None:
        try:
            bits = int(said, 16)
        except ValueError:
            pass
        else:
            now, before = strains(bits), strains(bits >> 16)
    for sensor in root.glob("sys/class/hwmon/hwmon*"):
        if _text(sensor / "name") == "rpi_volt":
            low = _text(sensor / "in0_lcrit_alarm") == "1"
            now = (now or frozenset()) | ({Strain.UNDER_VOLTAGE} if low else frozenset())
    return now, before


def _temperature(root: Path) -> float | None:
    """The kernel counts in thousandths of a degree."""
    zones = root.glob("sys/class/thermal/thermal_zone*/temp")
    found = [value for zone in zones if (value := _first_number(zone)) is not None]
    return max(found) / 1000 if found else None


def _memory(root: Path) -> dict[str, int]:
    """`/proc/meminfo` in bytes; it writes kB and means KiB."""
    found = {}
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * 1024
    return found


def _disk(path: Path) -> tuple[int | None, int | None, bool | None]:
    """Free bytes, free inodes and read-only of the disk where ``path`` is, or would be made."""
    for place in (path, *path.parents):
        try:
            found = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            break
        inodes = found.f_favail if found.f_files else None  # btrfs and vfat count none
        return found.f_bavail * found.f_frsize, inodes, bool(found.f_flag & os.ST_RDONLY)
    return None, None, None


def _first_number(path: Path) -> float | None:
    words = (_text(path) or "").split()
    try:
        return float(words[0]) if words else None
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    """Text of a file of the kernel, without the device tree's closing zero byte."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return None
