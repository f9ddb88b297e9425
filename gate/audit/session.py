"""The one connection to the log that a process's threads share; reopened after a failure."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gate.audit import files
from gate.audit.errors import LogReadOnly, explaining
from gate.errors import StoreError
from gate.system import durable


class Session:
    """Reads and writes of one log, one at a time.

    After a failure the file is let go of and opened anew by the next call: a full disk, a lock or
    a card that was read-only for a while needs no restart.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        read_only: bool = False,
        wait_s: float = files.WAIT_S,
        cut_off: bool = False,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._engine = files.engine(path, read_only=read_only, wait_s=wait_s, cut_off=cut_off)
        self._inode: int | None = None

    @property
    def name(self) -> str:
        """The log, for a message."""
        return "in memory" if self.path is None else str(self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the log as it stands at one moment.

        Raises StoreError.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the card when the block ends; after an exception it never was.

        Raises StoreError.
        """
        if self.read_only:
            raise LogReadOnly(f"audit log {self.name}: it was opened for reading only")
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """The bare connection, outside of any transaction, for functions of SQLite itself.

        Raises StoreError.
        """
        with self._lock, explaining(self.name):
            yield bare(self._connected())

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._lock:
            try:
                with explaining(self.name):
                    connection = self._connected()
                    connection.exec_driver_sql(begin)
                    yield connection
                    connection.commit()
            except BaseException as error:
                self._undo(let_go=isinstance(error, StoreError))
                raise

    def _connected(self) -> Connection:
        if self._connection is not None and self._moved():
            self.close()
        if self._connection is None:
            self._connection = self._engine.connect()
            self._inode = self._inode_now()
        return self._connection

    def _moved(self) -> bool:
        """Whether the path is no longer the open file; events written to it would be lost."""
        return self.path is not None and self._inode_now() != self._inode

    def _inode_now(self) -> int | None:
        if self.path is None:
            return None
        with suppress(FileNotFoundError):
            return self.path.stat().st_ino
        return None

    def _undo(self, *, let_go: bool) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.rollback()
        if let_go and self.path is not None:  # a log in memory would be lost
            self.close()

    def close(self) -> None:
        """Let go of the file; more than once does no harm."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(SQLAlchemyError):
                    connection.close()
            self._engine.dispose()


def bare(connection: Connection) -> sqlite3.Connection:
    """The `sqlite3` connection behind SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


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
    durable.sync_file(target)
