"""What the calendar does to the log is done, and recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gate.audit import Store
from gate.audit.upkeep import back_up, check, fold_wal, head_of, prune_old
from gate.core.domain import EventKind
from gate.errors import StoreError
from tests.logs import Clock, face_seen, judged, tampering


def newest_detail(store: Store) -> dict[str, object]:
    said: dict[str, object] = json.loads(next(store.records(newest_first=True)).event.detail or "")
    return said


def test_old_events_go_by_age(busy: Store, clock: Clock, path: Path) -> None:
    """What is older than the retention goes, the rest stays, and the log is whole."""
    clock.forward(timedelta(days=30))
    busy.record([face_seen(11)])
    (pruned,) = prune_old(busy, days=7, megabytes=100, clock=clock)
    assert pruned.count == 21
    assert [record.event.kind for record in busy.records()] == [
        EventKind.FACE_SEEN,
        EventKind.PRUNED,
    ]
    assert judged(path).whole


def test_a_clock_that_nobody_vouches_for_deletes_nothing(busy: Store, clock: Clock) -> None:
    """A clock that runs years ahead before it is synchronised doesn't empty the log."""
    clock.forward(timedelta(days=9_000))
    clock.trusted = False
    assert prune_old(busy, days=7, clock=clock) == []
    assert next(busy.records()).sequence == 1


def test_a_verification_is_recorded(busy: Store, path: Path) -> None:
    """The verdict and the head it reached are in the log, good or bad."""
    verdict = check(busy)
    assert newest_detail(busy) == {"whole": True, "events": 21, "head": head_of(verdict)}
    with tampering(path) as log:
        log.execute("UPDATE event SET score = 1 WHERE sequence = 5")
    assert not check(busy).whole
    assert newest_detail(busy)["finding"] == "event 5 isn't as it was written"


def test_a_log_in_memory_is_checked_but_not_copied(tmp_path: Path) -> None:
    """A throw-away log can be verified; a backup of it is refused with one line."""
    with Store.open(None) as store:
        store.record([face_seen(1)])
        assert check(store).whole
        with pytest.raises(StoreError, match="in memory"):
            back_up(store, tmp_path)


def test_folding_empties_the_wal(busy: Store, path: Path) -> None:
    """After folding, every event is in the database itself."""
    wal = path.with_name(path.name + "-wal")
    assert wal.stat().st_size > 0
    fold_wal(busy)
    assert wal.stat().st_size == 0
    assert len(list(busy.records())) == 21
