"""Regular work on the log: prune, back up, verify; each function records what it did.

They read through a connection of their own, so that the gate never waits for a long reading; only
their own event goes through the store that they are given. All raise StoreError if the work can't
be done; the caller logs it and tries again the next time.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gate.audit import backup
from gate.audit.backup import Backup
from gate.audit.log import Store
from gate.audit.retention import (
    Pruned,
    Through,
    last_before,
    last_believed,
    last_beyond,
    prune,
)
from gate.audit.session import Session
from gate.audit.verify.findings import Head, LogVerdict
from gate.audit.verify.log import verify
from gate.core.domain import Event, EventKind
from gate.system.clock import Clock, system_clock


def prune_old(
    store: Store,
    *,
    days: float | None = None,
    megabytes: float | None = None,
    clock: Clock = system_clock,
    trust_clock: bool = False,
    who: str | None = None,
) -> list[Pruned]:
    """Delete what is older than so many days, then the oldest beyond so many megabytes.

    By age only while the clock is synchronised, and only as much as a wrong one may cost
    (`last_believed`): a clock that is years ahead would empty the log. `trust_clock` is the word of
    somebody who looked at it: then all that is older goes.

    Raises StoreError.
    """
    now, trusted = clock()
    done: list[Pruned | None] = []
    if days is not None and (trusted or trust_clock):
        limit = now - timedelta(days=days)
        last = last_before if trust_clock else last_believed
        done.append(_prune(store, lambda c: last(c, limit, now), who))
    if megabytes is not None:
        size = int(megabytes * 2**20)
        done.append(_prune(store, lambda c: last_beyond(c, size), who))
    return [pruned for pruned in done if pruned is not None]


def _prune(store: Store, through: Through, who: str | None) -> Pruned | None:
    return prune(store.session, store.append, through, monotonic=time.monotonic(), who=who)


def back_up(
    store: Store,
    folder: Path,
    *,
    keep: int = 7,
    clock: Clock = system_clock,
    who: str | None = None,
) -> Backup:
    """Copy the log into `folder`, verify the copy, keep the newest `keep`."""
    now = clock()[0]
    return backup.back_up(store, folder, keep=keep, now=now, monotonic=time.monotonic(), who=who)


def check(store: Store, heads: tuple[Head, ...] = ()) -> LogVerdict:
    """Verify the log and record the verdict; `whole` is False where the alarm must be raised.

    The head that was noted beside the log is looked for too.
    """
    heads = (*heads, store.noted) if store.noted else heads
    if store.path is None:
        verdict = verify(store.session, heads)
    else:
        with closing(Session(store.path, read_only=True)) as session:
            verdict = verify(session, heads)
    said = {"whole": verdict.whole, "events": verdict.events, "head": head_of(verdict)}
    if not verdict.whole:
        said["finding"] = verdict.findings[0].text
    store.record([Event(EventKind.VERIFIED, time.monotonic(), detail=json.dumps(said))])
    return verdict


def head_of(verdict: LogVerdict) -> str:
    """The head that a verification reached, as `audit head` prints it."""
    return str(Head(verdict.head.sequence, verdict.head.digest.hex()))


def fold_wal(store: Store) -> None:
    """Fold the WAL into the database and empty it, so that it doesn't stay at its largest size."""
    with store.session.driver() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
