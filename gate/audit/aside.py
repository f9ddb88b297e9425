"""Putting a log out of the way, under a dated name; nothing is ever deleted."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path


def set_aside(path: Path, now: datetime, why: str) -> Path:
    """Rename a log, with its WAL, to a name with `why` and the time; returns the new path."""
    named = aside = path.with_name(f"{path.name}.{why}-{stamp(now)}")
    number = 1
    while aside.exists():
        number += 1
        aside = named.with_name(f"{named.name}-{number}")
    wal = path.with_name(path.name + "-wal")
    if wal.exists():  # copied first: after an interruption the log still has its newest events
        shutil.copy2(wal, aside.with_name(aside.name + "-wal"))
    path.rename(aside)
    for suffix in ("-wal", "-shm"):  # SQLite ignores these beside a new, empty log
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync_folder(path.parent)
    return aside


def stamp(time: datetime) -> str:
    """A time for a file name."""
    return f"{time:%Y%m%dT%H%M%SZ}"


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
