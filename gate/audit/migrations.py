"""Upgrade of an older log to this program's layout, after a backup of it.

`MIGRATIONS` has, for each layout that was ever released, the function that makes the next one of
it. All steps are one transaction: an interruption leaves the old log. Digests don't depend on the
layout, so a migration must not change what they cover (`gate.audit.chain`), and the log is
verified afterwards as before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection

from gate.audit import files, schema
from gate.audit.files import stamp
from gate.audit.session import Session, copy_database
from gate.errors import StoreError

MIGRATIONS: dict[int, Callable[[Connection], None]] = {}
"""Layout → function that makes the next one. Layout 1 is the first: nothing to migrate yet."""


def prepare(session: Session) -> None:
    """Lay out a new file, upgrade an older log, refuse any other file and a newer program's log.

    Raises StoreError, one line.
    """
    with session.reading() as connection:
        version = files.identify(connection, session.name)
    if version == schema.VERSION:
        return
    if session.read_only:
        state = "it is empty; check the path"
        if version:
            state = f"its layout ({version}) is older; start smile-gate once to upgrade it"
        raise StoreError(f"audit log {session.name}: {state}")
    if version and session.path is not None:
        kept = f"{session.path.name}.layout-{version}-{stamp(datetime.now(UTC))}"
        copy_database(session.path, session.path.with_name(kept))
    with session.writing() as connection:
        version = files.identify(connection, session.name)  # another program may have been quicker
        if version == 0:
            files.create(connection)
        elif version < schema.VERSION:
            _upgrade(connection, version)


def _upgrade(connection: Connection, version: int) -> None:
    run = connection.exec_driver_sql
    for name in run("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all():
        run(f'DROP TRIGGER "{name}"')
    for step in range(version, schema.VERSION):
        MIGRATIONS[step](connection)
    for statement in schema.trigger_statements():
        run(statement)
    run(f"PRAGMA user_version={schema.VERSION}")
