"""The log's file: a connection with the durability that the log promises, and setting it aside."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from gate.audit import schema
from gate.audit.errors import CorruptLog
from gate.errors import StoreError
from gate.system import durable

WAIT_S = 0.5
"""Time that a write waits for another program's lock, s; the gate's loop waits as long."""
CHECKPOINT_PAGES = 250
"""The WAL is folded into the database at this size: 1 MB, so that a card's reads stay short."""


def engine(
    path: Path | None, *, read_only: bool = False, wait_s: float = WAIT_S, cut_off: bool = False
) -> Engine:
    """An engine with a single connection to the file at `path`, or to memory where it is None.

    WAL with `synchronous=FULL`: a commit that has returned is on the card. With `cut_off` a file
    that lost its end can be read as far as it goes.
    """
    connect = _connector(path, read_only, wait_s, cut_off)
    return create_engine("sqlite://", creator=connect, poolclass=StaticPool)


def _connector(
    path: Path | None, read_only: bool, wait_s: float, cut_off: bool
) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        address = ":memory:" if path is None else _address(path, read_only)
        connection = sqlite3.connect(
            address,
            uri=path is not None,
            timeout=wait_s,
            check_same_thread=False,  # the store's own lock keeps the threads apart
            isolation_level=None,  # the session begins and ends the transactions
        )
        try:
            connection.text_factory = _readable
            connection.execute("PRAGMA foreign_keys=ON")
            if cut_off:  # otherwise SQLite refuses a file with fewer pages than its head says
                connection.execute("PRAGMA writable_schema=ON")
            if read_only:
                connection.execute("PRAGMA query_only=ON")
            elif not _foreign(connection):
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return connect


def _foreign(connection: sqlite3.Connection) -> bool:
    """Whether the file is another program's database, which must not be changed."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return bool(tables) and application != schema.APPLICATION


def _readable(text: bytes) -> str:
    """Text from the file; bytes that aren't UTF-8, which the gate never writes, are marked."""
    return text.decode("utf-8", "replace")


def _address(path: Path, read_only: bool) -> str:
    """The URI; a log that nobody writes is read as it is, without a lock.

    Where a crash left a WAL, SQLite has to work it in before anything can be read, which takes the
    right to write; `query_only`, set by the caller, keeps everything else as it is.
    """
    address = path.absolute().as_uri()
    wal, shared = (_size(path.with_name(path.name + suffix)) for suffix in ("-wal", "-shm"))
    in_use = shared >= _SHARED_BYTES
    if not read_only or (wal and not in_use):
        return address + "?mode=rw"
    return address + ("?mode=ro" if in_use else "?mode=ro&immutable=1")


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


_SHARED_BYTES = 32 * 1024
"""The -shm file of a log that is open has this size at least; less is left where a full disk had no
room for it. Source: SQLite's "WAL-mode File Format", section 2."""


def identify(connection: Connection, name: str) -> int:
    """The layout's version, 0 for a new file.

    Raises CorruptLog for a log whose numbers are damaged, StoreError for a log of a newer program
    and for another program's database.
    """
    pragma = connection.exec_driver_sql
    version = int(pragma("PRAGMA user_version").scalar_one())
    application = int(pragma("PRAGMA application_id").scalar_one())
    tables = int(pragma("SELECT count(*) FROM sqlite_schema").scalar_one())
    if tables == 0 and application == 0:
        return 0
    columns = {row[1] for row in pragma("PRAGMA table_info(event)")}
    ours = columns >= {"sequence", "origin", "what", "wall", "digest"}
    if application != schema.APPLICATION and not (ours and _has_tables(connection)):
        raise StoreError(f"audit log {name}: another program's database; check the path")
    if schema.VERSION < version <= _HIGHEST:
        raise StoreError(
            f"audit log {name}: written by a newer smile-gate (layout {version}, this one knows"
            f" {schema.VERSION}); upgrade smile-gate"
        )
    fits = 1 <= version <= _HIGHEST and tables and ("words" in columns) == (version >= 2)
    if application != schema.APPLICATION or not fits:
        raise CorruptLog(
            f"audit log {name}: it is damaged; `smile-gate audit salvage` reads what is left"
            f" (layout {version} and application {application:#x} don't fit its tables)"
        )
    return version


_HIGHEST = 255
"""No layout will ever have a higher number: one that has is damaged."""


def _has_tables(connection: Connection) -> bool:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    return {"what", "origin", "event", "checkpoint", "tally"} <= set(
        connection.exec_driver_sql(query).scalars()
    )


def create(connection: Connection) -> None:
    """Lay out a new log, within the caller's transaction."""
    schema.metadata.create_all(connection)
    for statement in schema.trigger_statements():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION}")
    connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")


def make(path: Path) -> None:
    """Make the log's file where there is none, and let nobody but its owner read or lock it.

    Whoever may read it may hold a lock that stops the gate. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        durable.create(path).close()
    for suffix in ("", "-wal", "-shm"):
        place = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError, PermissionError):
            if place.stat().st_mode & 0o077:
                place.chmod(durable.PRIVATE)


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
    durable.sync_folder(path.parent)
    return aside


def stamp(time: datetime) -> str:
    """A time for a file name."""
    return f"{time:%Y%m%dT%H%M%SZ}"
