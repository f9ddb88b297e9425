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


def aged(store: Store, clock: Clock, days: int) -> None:
    """Record an event a day."""
    for _ in range(days):
        store.record([face_seen(1)])
        clock.forward(timedelta(days=1))


def test_a_trusted_clock_that_leapt_deletes_nothing(store: Store, clock: Clock) -> None:
    """A synchronised clock that is years ahead is refused, also once it has written events."""
    aged(store, clock, 30)
    clock.forward(timedelta(days=27_000))
    for _ in range(2):
        with pytest.raises(StoreError, match=r"the clock leapt by .* --trust-clock"):
            prune_old(store, days=10, clock=clock)
        store.record([face_seen(2)])
    assert next(store.records()).sequence == 1
    (pruned,) = prune_old(store, days=10, clock=clock, trust_clock=True)
    assert pruned.last == 31


def test_a_night_deletes_no_more_than_a_weeks_events(store: Store, clock: Clock) -> None:
    """A clock that is wrong by less, or new settings, cost about seven days a night."""
    aged(store, clock, 60)
    counts, last = [], 0
    while gone := prune_old(store, days=30, clock=clock):
        counts.append(gone[0].count)
        last = gone[0].last
    assert last == 31
    assert counts[:-1] == [9, 9, 9]
    (pruned,) = prune_old(store, days=1, clock=clock, trust_clock=True)
    assert pruned.last > 55


def test_events_of_a_wrong_clock_do_not_hold_up_pruning(store: Store, clock: Clock) -> None:
    """An event from 1970 or 2038 among the oldest neither stops pruning nor widens it."""
    now = clock.wall
    for year in (1970, 2038):
        clock.wall = now.replace(year=year)
        store.record([face_seen(1)])
    clock.wall = now
    aged(store, clock, 40)
    (pruned,) = prune_old(store, days=20, clock=clock)
    assert 5 <= pruned.count <= 12
    while pruned_more := prune_old(store, days=20, clock=clock):
        (pruned,) = pruned_more
    assert 20 <= pruned.last <= 24


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
