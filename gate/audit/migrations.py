"""Upgrade of an older log to this program's layout, after a backup of it.

`MIGRATIONS` has, for each layout that was ever released, the function that makes the next one of
it. All steps are one transaction: an interruption leaves the old log. A migration changes no event
and no digest: what was written by rule 1 is verified by rule 1 (`gate.audit.chain`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection

from gate.audit import files, schema
from gate.audit.errors import CorruptLog
from gate.audit.files import stamp
from gate.audit.session import Session, copy_database
from gate.errors import StoreError
from gate.system import durable

log = logging.getLogger(__name__)

Begin = Callable[[Connection, str], object]
"""Writes a `log_begun` event within a transaction; the words say why."""


def _second(connection: Connection) -> None:
    """Layout 2: a digest of the words beside them, the tree's edge, the log's identity."""
    for column in ("event ADD COLUMN words BLOB", *_CHECKPOINT):
        connection.exec_driver_sql(f"ALTER TABLE {column}")
    schema.edge.create(connection)


_CHECKPOINT = (
    "checkpoint ADD COLUMN log BLOB",
    "checkpoint ADD COLUMN begun INTEGER",
    "checkpoint ADD COLUMN edge BLOB",
)

MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _second}
"""Layout → what makes the next one of it."""


def prepare(session: Session, begin: Begin) -> None:
    """Lay out a new file, upgrade an older log, refuse what isn't a log of this program's time.

    Raises StoreError, one line.
    """
    if session.read_only:
        expect_current(session)
        return
    with session.reading() as connection:
        version = files.identify(connection, session.name)
    if version == schema.VERSION:
        return
    kept = ""
    if version and session.path is not None:
        kept = f"{session.path.name}.layout-{version}-{stamp(datetime.now(UTC))}"
        copy_database(session.path, session.path.with_name(kept))
        durable.as_its_folder(session.path.with_name(kept))
    with session.writing() as connection:
        version = files.identify(connection, session.name)  # another program may have been quicker
        if version == 0:
            files.create(connection)
            begin(connection, "new log")
        elif version < schema.VERSION:
            last = _upgrade(connection, version)
            begin(connection, f"upgraded from layout {version}")
            log.warning(
                "audit log %s: upgraded from layout %d to %d; all events up to %d keep their"
                " digests and stay verifiable; the old log is kept as %s",
                *(session.name, version, schema.VERSION, last, kept or "nothing: it is in memory"),
            )


def expect_current(session: Session) -> None:
    """Raise StoreError, one line, where the log isn't of this program's layout."""
    with session.reading() as connection:
        version = files.identify(connection, session.name)
    if version != schema.VERSION:
        state = "it is empty; check the path"
        if version:
            state = f"its layout ({version}) is older; start smile-gate once to upgrade it"
        raise StoreError(f"audit log {session.name}: {state}")


def _upgrade(connection: Connection, version: int) -> int:
    """Make this program's layout of an older one; the number of the newest event."""
    run = connection.exec_driver_sql
    for name in run("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all():
        run(f'DROP TRIGGER "{name}"')
    for step in range(version, schema.VERSION):
        MIGRATIONS[step](connection)
    for statement in schema.trigger_statements():
        run(statement)
    run(f"PRAGMA user_version={schema.VERSION}")
    last = run("SELECT ifnull(max(sequence), 0) FROM event").scalar_one()
    if not isinstance(last, int):
        raise CorruptLog(f"audit log: the number of its newest event is damaged ({last!r})")
    return last
