"""Statistics are the counts of the events themselves, in the hours of the reader's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gate.audit import Store
from gate.audit.stats import By, Statistics, sparkline, statistics
from gate.core.domain import EventKind
from tests.logs import Clock, face_seen, granted

DAY = datetime(2026, 5, 1, tzinfo=UTC)


def stats(store: Store, by: By, hours: int = 24, zone: str = "UTC") -> Statistics:
    with store.session.reading() as connection:
        return statistics(connection, DAY, DAY + timedelta(hours=hours), by, ZoneInfo(zone))


def test_a_day(busy: Store) -> None:
    """Grants, denials, the pass rate and the median time to smile are those of the events."""
    total = stats(busy, By.DAY).total
    assert (total.events, total.grants, total.denials) == (21, 5, 5)
    assert (total.pass_rate, total.median_wait) == (0.5, 2.5)


@pytest.mark.parametrize("by", [By.HOUR, By.DAY, By.MONTH, By.HOUR_OF_DAY, By.WEEKDAY, By.EVENT])
def test_the_parts_are_the_whole(random_log: Store, by: By) -> None:
    """Whatever divides the counts, the parts add up to the total, which counts every event."""
    result = stats(random_log, by, hours=24 * 3)
    assert result.total.events == len(list(random_log.records())) == 601
    assert sum(part.events for part in result.parts) == 601
    assert sum(len(part.waits) for part in result.parts) == len(result.total.waits)


def test_each_hour_has_its_own_events(random_log: Store) -> None:
    """An hour's grants are those whose wall time lies in it, in a zone with a half hour as well."""
    for zone in ("UTC", "Asia/Kolkata", "Asia/Kathmandu"):
        for part in stats(random_log, By.HOUR, hours=72, zone=zone).parts:
            start = datetime.strptime(part.label, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
            found = random_log.records(since=start, until=start + timedelta(hours=1))
            assert part.events == len(list(found))


def test_reasons_come_with_the_commonest_first(random_log: Store) -> None:
    """By reason, only events that have one are listed, in falling order."""
    counts = [part.events for part in stats(random_log, By.REASON, hours=72).parts]
    assert counts == sorted(counts, reverse=True)
    assert "" not in {part.label for part in stats(random_log, By.REASON, hours=72).parts}


def test_no_visit_no_rate(store: Store) -> None:
    """Where nobody came, there is no rate and no median, rather than zero."""
    total = stats(store, By.HOUR).total
    assert (total.events, total.pass_rate, total.median_wait) == (1, None, None)


def test_one_day_does_not_count_the_next(store: Store, clock: Clock) -> None:
    """The end of a range isn't part of it."""
    clock.wall = DAY + timedelta(days=1)
    store.record([face_seen(1), granted(1)])
    assert stats(store, By.DAY).total.events == 1
    assert {part.label for part in stats(store, By.EVENT, hours=25).parts} > {EventKind.GRANTED}


def test_sparkline() -> None:
    """The bars are as high as the values, and nothing is the lowest bar."""
    assert sparkline([0, 1, 4, 8]) == "▁▂▅█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
