"""What the calendar does to the audit log at night: verify, back up, delete what is too old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from gate.audit import Store, upkeep
from gate.config import StoreSettings
from gate.core.domain import EventKind
from gate.errors import GateError
from gate.service.jobs import Jobs

log = logging.getLogger(__name__)


def schedule(jobs: Jobs, store: Callable[[], Store], settings: StoreSettings) -> None:
    """Give the calendar its work; every part of it is recorded in the log itself.

    ``store`` gives the log, once it is time; raises `StoreError` where it is not open.
    """
    at = settings.upkeep_at

    def upkeep() -> None:
        _try("open the log", lambda: nightly(store(), settings))

    jobs.add("upkeep", {"hour": at.hour, "minute": at.minute}, upkeep)


def nightly(store: Store, settings: StoreSettings) -> None:
    """Do it now. A part that fails is said in the journal, and the others are done."""
    _try("keep the operator's close", lambda: _renew_close(store))
    _try("verify", lambda: _verify(store))
    folder = settings.backup_to
    if folder is not None:
        _try("back up", lambda: upkeep.back_up(store, folder, keep=settings.backups_kept))
    if settings.keep_days is not None or settings.keep_megabytes is not None:
        _try(
            "prune",
            lambda: upkeep.prune_old(
                store, days=settings.keep_days, megabytes=settings.keep_megabytes
            ),
        )
    _try("fold the WAL", lambda: upkeep.fold_wal(store))


def _renew_close(store: Store) -> None:
    """Say it again, so that it is not pruned: a restart finds it in the log."""
    word = store.operators_word()
    if word is not None and word.event.kind is EventKind.LANE_CLOSED:
        store.record([replace(word.event, monotonic=time.monotonic())])


def _verify(store: Store) -> None:
    verdict = upkeep.check(store)
    log.info("head of the audit log: %s", upkeep.head_of(verdict))  # noted where the log is not
    if not verdict.whole:
        log.critical("the audit log is not whole: `smile-gate audit verify` says where")


def _try(what: str, work: Callable[[], object]) -> None:
    try:
        work()
    except GateError as error:
        log.error("housekeeping, %s: %s", what, error)
