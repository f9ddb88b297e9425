"""A copy of a log as it stands at one moment, while somebody may be writing it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gate.audit.session import Session


def copy_database(source: Path, target: Path) -> None:
    """Copy a database into a single file, by SQLite's online backup; on the card when it returns.

    Raises StoreError, sqlite3.Error, OSError.
    """
    target.unlink(missing_ok=True)
    with (
        closing(Session(source, read_only=True)) as session,
        session.driver() as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without a WAL beside it
    with target.open("rb") as file:
        os.fsync(file.fileno())
