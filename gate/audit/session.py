"""The one connection to the log that a process's threads share; reopened after a failure."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gate.audit import files
from gate.audit.errors import LogReadOnly, explaining, understanding
from gate.errors import StoreError
from gate.system import durable

log = logging.getLogger(__name__)


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
        self._wal: int | None = None

    @property
    def name(self) -> str:
        """The log, for a message."""
        return "in memory" if self.path is None else str(self.path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the log as it stands at one moment.

        Raises StoreError; CorruptLog also where the rows make no sense to whoever reads them.
        """
        with self._transaction("BEGIN") as connection, understanding(self.name):
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
        if self._connection is not None:
            self._notice_lost_wal()
        if self._connection is not None and self._inode_now() != self._inode:
            self.close()  # what is written there would be lost
        if self._connection is None:
            self._connection = self._engine.connect()
            self._inode, self._wal = self._inode_now(), None
        return self._connection

    def _notice_lost_wal(self) -> None:
        """Where the WAL has lost its name, fold it into the database while it is still open.

        A crash would lose its events; SQLite looks for a WAL by its name only when it opens one.
        """
        if self.read_only or self.path is None:
            return
        now = self._inode_now("-wal")
        if self._wal is None:  # it is made by the first transaction
            self._wal = now
        if now == self._wal:
            return
        log.critical(
            "audit log %s: its -wal file was taken away; its events are saved from memory",
            self.name,
        )
        assert self._connection is not None
        with suppress(SQLAlchemyError):
            self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
        self.close()

    def _inode_now(self, suffix: str = "") -> int | None:
        if self.path is None:
            return None
        with suppress(FileNotFoundError):
            return self.path.with_name(self.path.name + suffix).stat().st_ino
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
    """Copy a database into a new file of its own, by SQLite's online backup.

    The copy is on the card when it returns, and for its owner only.

    Raises StoreError, sqlite3.Error, OSError.
    """
    target.unlink(missing_ok=True)
    durable.create(target).close()
    with (
        closing(Session(source, read_only=True)) as session,
        session.driver() as old,
        closing(sqlite3.connect(target)) as new,
    ):
        new.execute("PRAGMA journal_mode=MEMORY")  # no other file for a link to stand at
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without a WAL beside it
    durable.sync_file(target)
