"""Tests of the machine: clock, disk, memory and power."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, ok, skipped, warn
from gate.hardware.board import Strain

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""An earlier time is before this program was written: the clock was never set."""
MEGABYTE = 2**20
DISK_LOW, DISK_OUT = 500 * MEGABYTE, 20 * MEGABYTE
"""Bytes: the first for updates and the journal; below the second the log itself is at risk."""
INODES_LOW = 1000
MEMORY_NEEDED = 130 * MEGABYTE
"""The daemon's peak on a clip of 640×480 was 117 MB."""
HOT, TOO_HOT = 75.0, 84.0
"""°C. The firmware slows a Pi down from 80 °C on, and more from 85 °C on (Raspberry Pi
documentation, "Frequency management and thermal control")."""
VOLATILE = {"tmpfs", "ramfs", "overlay"}
"""File systems that a restart empties; ``overlay`` is the read-only mode of raspi-config."""
WORN = {"0x02": "80 % used", "0x03": "nearly used up"}
"""``pre_eol_info`` of an eMMC (kernel documentation, mmc-dev-attrs)."""


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether the wall clock is right; elapsed time never depends on it."""
    said = f"{patient.now:%Y-%m-%d %H:%M:%S} UTC"
    chip = patient.board.clock_chip
    if patient.now < EARLIEST:
        yield fail(
            f"{said}: the clock was never set",
            "connect the network and see `timedatectl status`; without a network fit a clock chip",
        )
    elif not patient.board.clock_synchronised:
        yield warn(
            f"{said}, not synchronised: the log marks its times as not trusted",
            "`timedatectl status`; sudo timedatectl set-ntp true"
            + ("" if chip else "; without a network fit a clock chip"),
        )
    else:
        yield ok(f"{said}, synchronised{', with a clock chip' if chip else ''}")
    lane = patient.config.lane
    if lane.hours and lane.timezone is None and patient.now.astimezone().tzname() == "UTC":
        yield warn(
            "the opening hours are read as UTC, this system's time zone",
            "set lane.timezone, such as Europe/Berlin, or sudo timedatectl set-timezone",
        )


def disk(patient: Patient) -> Iterator[Finding]:
    """Free space, health and permanence of the disk that has the log."""
    board, path = patient.board, patient.config.store.path
    troubles = [*_mounted(patient), *_worn(patient)]
    if board.disk_free is None:
        yield skipped(f"{path}: its disk's free space can't be read")
    elif board.disk_free < DISK_OUT:
        yield fail(
            f"only {_size(board.disk_free)} free for {path}",
            "make room: sudo journalctl --vacuum-size=50M; sudo apt clean; then store.keep_days",
        )
    elif board.disk_free < DISK_LOW:
        yield warn(
            f"only {_size(board.disk_free)} free for {path}",
            "make room: sudo journalctl --vacuum-size=50M; sudo apt clean; or a larger card",
        )
    elif not troubles:
        yield ok(f"{_size(board.disk_free)} free for {path}")
    if board.inodes_free is not None and board.inodes_free < INODES_LOW:
        yield warn(
            f"only {board.inodes_free} more files fit on the log's disk",
            "delete folders with many small files; `df -i` shows the disks",
        )
    yield from troubles


def _mounted(patient: Patient) -> Iterator[Finding]:
    path = patient.config.store.path
    kind = _file_system(patient.root, path)
    if patient.board.read_only and kind not in VOLATILE:
        yield fail(
            f"the disk of {path} is mounted read-only, as the kernel does after an error",
            "`sudo dmesg | grep -iE 'mmc|ext4|i/o error'`; back up the log, then replace the card",
        )
    if kind in VOLATILE:
        yield warn(
            f"{path} is on {kind}: the log is gone after a restart",
            "put store.path on a disk, or turn the overlay file system off in raspi-config",
        )


def _worn(patient: Patient) -> Iterator[Finding]:
    """Signs that a card is wearing out; an SD card has none but the file system's errors."""
    sys = patient.root / "sys"
    for counter in sorted(sys.glob("fs/ext4/*/errors_count")):
        errors = _read(counter)
        if errors not in ("", "0"):
            yield warn(
                f"the file system of {counter.parent.name} noted {errors} errors",
                "back up the log, check with fsck at the next boot, replace the card",
            )
    for state in sorted(sys.glob("block/mmcblk*/device/pre_eol_info")):
        used = WORN.get(_read(state))
        if used:
            yield warn(
                f"the flash memory {state.parts[-3]} is {used}",
                "plan its replacement; set store.backup_to to another medium",
            )


def memory(patient: Patient) -> Iterator[Finding]:
    """Whether the gate has the memory it needs."""
    available, total = patient.board.memory_available, patient.board.memory_total
    if available is None:
        yield skipped("this machine does not report its free memory")
        return
    said = f"{_size(available)} of {_size(total or 0)} available"
    needed = MEMORY_NEEDED // 4 if patient.running else MEMORY_NEEDED
    if available < needed:
        yield warn(
            f"only {said}",
            "end other programs, such as a desktop; `ps aux --sort -rss | head` shows the largest",
        )
    else:
        yield ok(said)


def power(patient: Patient) -> Iterator[Finding]:
    """Voltage and heat, now and since the boot."""
    board = patient.board
    now = board.strain
    before = (board.strain_before or frozenset()) | (patient.history or frozenset())
    unknown = now is None and board.strain_before is None and patient.history is None
    heat = "" if board.temperature is None else f"{board.temperature:.0f} °C"
    supply = "use the Pi's own power supply and a short cable; power lock and relay separately"
    cool = "give it air: a heat sink, a fan, or shade"
    troubles = []
    if Strain.UNDER_VOLTAGE in (now or ()):
        troubles.append(fail("under-voltage now: the Pi slows down or stops", supply))
    elif Strain.UNDER_VOLTAGE in before:
        troubles.append(warn("under-voltage since the boot", supply))
    hot = {Strain.THROTTLED, Strain.SOFT_TEMPERATURE_LIMIT, Strain.FREQUENCY_CAPPED}
    if board.temperature is not None and board.temperature >= TOO_HOT:
        troubles.append(fail(f"{heat}: the Pi is slowed down", cool))
    elif board.temperature is not None and board.temperature >= HOT:
        troubles.append(warn(f"{heat}: near the limit at which the Pi slows down", cool))
    elif not troubles and (slowed := hot & ((now or frozenset()) | before)):
        when = "now" if hot & (now or frozenset()) else "since the boot"
        words = ", ".join(sorted(str(strain).replace("_", " ") for strain in slowed))
        troubles.append(warn(f"slowed down {when}: {words}", f"{cool}; check the power supply"))
    if troubles:
        yield from troubles
    elif unknown:
        yield skipped(f"{heat + '; ' if heat else ''}this machine does not report its power supply")
    else:
        since = "" if patient.history is None else ", none since the boot"
        yield ok(f"{heat + ', ' if heat else ''}no under-voltage{since}")


def _file_system(root: Path, path: Path) -> str:
    """The kind of file system that has ``path``, from the kernel's list of mounts."""
    best = (0, "")
    for line in _read(root / "proc/self/mounts").splitlines():
        words = line.split()
        covers = len(words) > 2 and path.resolve().is_relative_to(words[1])
        if covers and len(words[1]) >= best[0]:  # of two on one place, the later one is on top
            best = len(words[1]), words[2]
    return best[1]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / MEGABYTE:.0f} MB"
