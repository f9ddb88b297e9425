"""Erasing the words of an event, who and detail, without breaking the chain.

The digest covers the words by a digest of their own (rule 2, `gate.audit.chain`), which stays. An
event says first that they are erased, by whom and why; only then do the triggers let them go.
"""

from __future__ import annotations

import json
import time

from sqlalchemy import Connection, select, update

from gate.audit.identity import rules
from gate.audit.log import Store
from gate.audit.schema import event, what
from gate.core.domain import Event, EventKind
from gate.errors import StoreError

OWN = frozenset({EventKind.LOG_BEGUN, EventKind.PRUNED, EventKind.WORDS_ERASED})
"""Events whose words the log itself is verified by."""


def erase(store: Store, sequence: int, *, who: str | None, reason: str) -> None:
    """Erase who and detail of the event `sequence`, on record.

    The freed bytes of the file are overwritten, and the WAL is emptied. Backups and exports that
    were made before have the words still.

    Raises StoreError, one line, where there is nothing to erase or it would break the chain.
    """
    said = json.dumps({"event": sequence, "reason": reason}, ensure_ascii=False)
    erased = Event(EventKind.WORDS_ERASED, time.monotonic(), who=who, detail=said)
    with store.session.driver() as connection:
        connection.execute("PRAGMA secure_delete=ON")
    with store.session.writing() as connection:
        _refuse(connection, sequence)
        store.append(connection, [erased])
        connection.execute(
            update(event).where(event.c.sequence == sequence).values(who=None, detail=None)
        )
    with store.session.driver() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _refuse(connection: Connection, sequence: int) -> None:
    query = (
        select(what.c.kind, event.c.who, event.c.detail, event.c.words)
        .join(what, what.c.id == event.c.what)
        .where(event.c.sequence == sequence)
    )
    row = connection.execute(query).first()
    if row is None:
        raise StoreError(f"event {sequence} isn't in the log; `smile-gate audit list` has them")
    if row.who is None and row.detail is None:
        raise StoreError(f"event {sequence} has no words to erase")
    if row.kind in OWN:
        raise StoreError(f"event {sequence} ({row.kind}) is what the log is verified by; it stays")
    second = rules(connection).second
    if sequence < second or row.words is None:
        raise StoreError(
            f"event {sequence} is older than event {second}, with which erasing began; its words"
            " can only go with it: see `smile-gate audit prune`"
        )
