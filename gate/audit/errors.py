"""SQLite's errors as one line that says what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gate.errors import StoreError


class CorruptLog(StoreError):
    """The file is damaged, or isn't an audit log at all."""


class UnknownWord(StoreError):
    """An event, `sequence`, says something that this program doesn't know."""

    def __init__(self, said: str, sequence: int = 0) -> None:
        super().__init__(said)
        self.sequence = sequence


class LogInUse(StoreError):
    """Another program holds the log for longer than the gate may wait."""


class LogFull(StoreError):
    """The disk has no room for another event."""


class LogReadOnly(StoreError):
    """The file, its folder or the card can't be written."""


ROOM = (
    "make room: sudo journalctl --vacuum-size=50M, sudo apt clean; `audit prune` needs room itself"
)
"""What helps on a full disk."""
FULL_BYTES = 64 * 1024
"""Less than this is free: nothing can be written, whatever SQLite calls it."""

_ADVICE: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_FULL: (
        LogFull,
        f"the disk is full; {ROOM}",
    ),
    sqlite3.SQLITE_READONLY: (LogReadOnly, "it is read-only; check the card and the file's owner"),
    sqlite3.SQLITE_PERM: (LogReadOnly, "no permission; check the owner of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (
        LogReadOnly,
        "it can't be opened; check that its folder exists and belongs to the gate's user",
    ),
    sqlite3.SQLITE_BUSY: (LogInUse, "another program has locked it; close that program"),
    sqlite3.SQLITE_LOCKED: (LogInUse, "another program has locked it; close that program"),
    sqlite3.SQLITE_PROTOCOL: (LogInUse, "another program has locked it; close that program"),
    sqlite3.SQLITE_CORRUPT: (
        CorruptLog,
        "it is damaged; `smile-gate audit salvage` reads what is left",
    ),
    sqlite3.SQLITE_NOTADB: (CorruptLog, "it is no database; check the path, or restore a backup"),
    sqlite3.SQLITE_IOERR: (StoreError, "the card doesn't read or write; check it, then replace it"),
}


_DAMAGED = _ADVICE[sqlite3.SQLITE_CORRUPT]
_IMPOSSIBLE = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_TRIGGER,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_TOOBIG,
    }
)
"""What the gate's own statements never bring about in a log that is as it was written."""
_GONE = (
    "no such table",
    "no such column",
    "no such index",
    "has no column named",
    "malformed",
    "unsupported file format",
)
"""SQLite's words, under its most general code, for a log whose layout is damaged."""


_OS: dict[int, int] = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
    errno.ENOENT: sqlite3.SQLITE_CANTOPEN,
    errno.EIO: sqlite3.SQLITE_IOERR,
}
"""The operating system's errors, by the SQLite error that means the same."""


def is_full(path: Path) -> bool:
    """Whether the disk that has, or would have, this file takes nothing more."""
    folder = next((one for one in (path, *path.parents) if one.exists()), Path("/"))
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def explained(error: Exception, where: str, what: str = "audit log") -> StoreError:
    """The StoreError, one line, for what SQLite or SQLAlchemy raised about the file at `where`.

    On a full disk SQLite has several names for it, one of which means a dying card elsewhere.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(cause, OSError):
        code = _OS.get(cause.errno or 0)
    primary = (code or 0) & 0xFF
    if primary in _PERHAPS_FULL and is_full(Path(where)):
        primary = sqlite3.SQLITE_FULL
    kind, advice = _ADVICE.get(primary, (StoreError, "see the message"))
    if kind is LogFull and what != "audit log":
        advice = "the disk is full; make room on it, or choose a folder on another disk"
    said = " ".join(str(cause).split())
    laid_out = code != sqlite3.SQLITE_ERROR or not any(word in said for word in _GONE)
    if code in _IMPOSSIBLE or not laid_out or isinstance(cause, UnicodeDecodeError):
        kind, advice = _DAMAGED
    return kind(f"{what} {where}: {advice} ({said})")


_PERHAPS_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)

UNREADABLE = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    RecursionError,
)
"""What reading a row raises that is of another kind than the gate writes."""


@contextmanager
def understanding(where: str) -> Iterator[None]:
    """Turn what rows of another kind than the gate writes make a reader raise into `CorruptLog`."""
    try:
        yield
    except UnicodeEncodeError:  # words of whoever asks
        raise
    except UNREADABLE as error:
        said = " ".join(str(error).split())
        raise CorruptLog(
            f"audit log {where}: it is damaged; `smile-gate audit salvage` reads what is left"
            f" ({type(error).__name__}: {said})"
        ) from error


@contextmanager
def explaining(where: str, what: str = "audit log") -> Iterator[None]:
    """Turn exceptions of SQLite, SQLAlchemy and the operating system into a `StoreError`.

    ``what`` says what the file at ``where`` is.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
        raise explained(error, where, what) from error
