"""Wall-clock time for people, and whether it is synchronised."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from datetime import UTC, datetime

_STA_UNSYNC = 0x0040

Clock = Callable[[], tuple[datetime, bool]]
"""Gives the time in UTC and whether the clock is synchronised."""


class _Timex(ctypes.Structure):
    """The start of Linux's `struct timex`, see adjtimex(2); the kernel fills in the rest too."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def synchronised() -> bool:
    """Whether the kernel says that its clock is disciplined (NTP, GPS, …), by adjtimex(2).

    False where the kernel can't be asked.
    """
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    timex = _Timex()
    answer: int = adjtimex(ctypes.byref(timex))
    return answer >= 0 and not timex.status & _STA_UNSYNC


def system_clock() -> tuple[datetime, bool]:
    """The time now in UTC, and whether the clock is synchronised."""
    return datetime.now(UTC), synchronised()


def boot_id() -> str:
    """The kernel's id of this boot (random(4)); where there is none, an id of this process."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"process-{os.getpid()}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
