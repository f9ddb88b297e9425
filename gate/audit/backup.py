"""Copies of the log: taken while the gate works, verified before they count."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate.audit import noted, sidecar
from gate.audit.errors import LogInUse, explaining
from gate.audit.files import set_aside, stamp
from gate.audit.log import Store
from gate.audit.session import Session, copy_database
from gate.audit.verify.findings import Head, LogVerdict
from gate.audit.verify.log import verify
from gate.core.domain import Event, EventKind
from gate.errors import StoreError
from gate.system import durable

SPARE = 16 * 2**20
"""Bytes that a backup leaves free, so that the log itself has room on the same card."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was verified."""

    path: Path
    verdict: LogVerdict
    dropped: tuple[Path, ...] = ()
    """Older backups that rotation removed."""


def back_up(
    store: Store,
    folder: Path,
    *,
    keep: int,
    now: datetime,
    monotonic: float,
    who: str | None = None,
) -> Backup:
    """Copy the log into `folder`, verify the copy, record it, keep the newest `keep` copies.

    It is SQLite's online backup in one step: it copies the state of one moment, and the gate goes
    on writing.

    Raises StoreError; then no new copy is there, and no old one is gone.
    """
    source = store.path
    if source is None:
        raise StoreError("a log in memory can't be backed up; give the gate a file")
    target = folder / f"{source.stem}-{stamp(now)}.db"
    partial = target.with_name(target.name + ".partial")
    with explaining(str(target), "backup"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the log names people
        _room_for(source, folder)
        try:
            copy_database(source, partial)
            verdict = verified(partial)
            durable.publish(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        copies = sorted(folder.glob(f"{source.stem}-????????T??????Z.db"))
        dropped = tuple(copies[:-keep] if keep > 0 else [])
        for old in dropped:
            old.unlink()
    head = str(Head(verdict.head.sequence, verdict.head.digest.hex()))
    detail = json.dumps({"file": target.name, "head": head, "dropped": len(dropped)})
    store.record([Event(EventKind.BACKED_UP, monotonic, who=who, detail=detail)])
    return Backup(target, verdict, dropped)


def verified(path: Path) -> LogVerdict:
    """Verify a copy and return the verdict.

    Raises StoreError if it isn't whole.
    """
    with closing(Session(path, read_only=True)) as session:
        verdict = verify(session)
    if not verdict.whole:
        raise StoreError(f"copy {path}: not whole: {verdict.findings[0].text}; verify the log")
    return verdict


def restore(store_path: Path, backup: Path, *, now: datetime, replace: bool = False) -> Path | None:
    """Put a verified backup in the log's place; the old log is set aside, never deleted.

    The caller records it in the restored log, by `Store.begin_anew`: numbers are given again that
    the replaced log gave, so it needs another identity. Returns where the old log was set aside.

    Raises StoreError if the backup isn't whole, the gate is running, or a log needs `replace`.
    """
    verified(backup)
    aside = None
    with explaining(str(store_path)):
        if store_path.exists():
            if not replace:
                raise StoreError(f"audit log {store_path} is there already; say --replace")
            _not_in_use(store_path)
            aside = set_aside(store_path, now, "replaced")
        partial = store_path.with_name(store_path.name + ".partial")
        copy_database(backup, partial)
        durable.as_its_folder(partial)
        durable.publish(partial, store_path)
        sidecar.remove(store_path, noted.NAME)  # it is older than what was noted, on purpose
    return aside


def _room_for(source: Path, folder: Path) -> None:
    needed = source.stat().st_size + SPARE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"backup folder {folder}: {free >> 20} MB are free, {needed >> 20} MB are needed;"
            " free some space, or back up to another disk"
        )


def _not_in_use(path: Path) -> None:
    """Raise LogInUse where another program has the log open."""
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # refused while anybody else is there
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise LogInUse(f"audit log {path} is in use; stop smile-gate first") from error
        except sqlite3.DatabaseError:
            return  # a damaged log may be replaced
