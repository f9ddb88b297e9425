from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from gate.service.jobs import LOOK_S, Jobs
from tests.core.test_opening_hours import Span
from tests.fakes import no_thread_left

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Span(time(9, 30), time(18))


class WallClock:
    """A clock on the wall that a test sets."""

    def __init__(self, at: str) -> None:
        self.at = at

    def __call__(self, zone: tzinfo | None) -> datetime:
        return datetime.fromisoformat(self.at).replace(tzinfo=zone)


class SteppingClock:
    """A clock that is right, in UTC."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self, zone: tzinfo | None) -> datetime:
        return self.at.astimezone(zone)


def test_the_hours_are_told_when_they_say_something_new() -> None:
    """Once at the start, then only at a change."""
    told: list[bool] = []
    clock = WallClock("2026-07-01 08:00:00")
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=clock)
    jobs.start()
    jobs.compare()
    clock.at = "2026-07-01 09:30:00"
    jobs.compare()
    jobs.compare()
    jobs.close()
    jobs.close()
    assert told == [False, True]


@pytest.mark.parametrize("year", [1970, 2036])
def test_a_clock_that_jumps_by_years_does_not_leave_the_lane_as_it_was(year: int) -> None:
    """After a jump the hours are looked at again, and every run is worked out anew."""
    told: list[bool] = []
    clock = WallClock("2026-07-01 12:00:00")
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=clock)
    jobs.add("upkeep", {"hour": 3}, lambda: None)
    jobs.start()
    assert jobs._scheduler is not None
    clock.at = f"{year}-07-01 23:00:00"
    for job in jobs._scheduler.get_jobs():  # worked out while the clock was wrong
        job.modify(next_run_time=datetime(2099, 1, 1, tzinfo=BERLIN))
    jobs.clock_changed()
    (run,) = [job.next_run_time for job in jobs._scheduler.get_jobs()]
    jobs.close()
    assert told == [True, False]
    assert run < datetime.now(BERLIN) + timedelta(days=2)


def test_each_edge_of_the_hours_is_told_by_the_loop() -> None:
    """At 09:30 and at 18:00 in the lane's own zone, in the next second."""
    told: list[bool] = []
    clock = WallClock("2026-07-01 09:29:59")
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=clock)
    jobs.start()
    for turn, at in enumerate(("09:29:59", "09:30:00", "17:59:59", "18:00:00")):
        clock.at = f"2026-07-01 {at}"
        jobs.supervise(2.0 * turn)
    jobs.close()
    assert told == [False, True, False]


def upkeep(jobs: Jobs) -> list[str]:
    """The work that the calendar has a thread for."""
    return [] if jobs._scheduler is None else [job.id for job in jobs._scheduler.get_jobs()]


def test_hours_need_no_thread_and_the_rest_is_tried_again() -> None:
    """Where no thread is left the lane opens and closes; housekeeping follows once there is one."""
    told: list[bool] = []
    clock = WallClock("2026-07-01 09:00:00")
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=clock)
    jobs.add("upkeep", {"hour": 3}, lambda: None)
    with no_thread_left():
        jobs.start()
        clock.at = "2026-07-01 09:30:00"
        jobs.supervise(1.0)
        jobs.clock_changed()
        assert upkeep(jobs) == []
    jobs.supervise(2.0)
    assert upkeep(jobs) == ["upkeep"]
    jobs.close()
    jobs.supervise(3.0)
    assert told == [False, True]


def test_the_hours_are_compared_with_the_clock_again_and_again() -> None:
    """Even where no edge is ever seen: at least every ten seconds, whatever the clock did."""
    told: list[bool] = []
    clock = WallClock("2026-07-01 12:00:00")
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=clock)
    jobs.start()
    jobs.supervise(0.0)
    clock.at = "2026-07-02 03:00:00"
    jobs.supervise(LOOK_S / 2)
    assert told == [True]
    jobs.supervise(LOOK_S)
    assert told == [True, False]
    assert LOOK_S <= 10


def test_a_closing_time_that_summer_time_skips_is_kept() -> None:
    """Santiago has no midnight on that day: the lane closes when the clock goes to one."""
    told: list[bool] = []
    clock = SteppingClock(datetime(2026, 9, 6, 3, 59, 59, tzinfo=UTC))
    hours = [Span(time(9), time(0))]
    jobs = Jobs(hours, told.append, zone=ZoneInfo("America/Santiago"), now=clock)
    jobs.start()
    jobs.supervise(0.0)
    clock.at += timedelta(seconds=1)
    jobs.supervise(LOOK_S)
    assert told == [True, False]


def test_an_armed_calendar_tells_nothing_until_it_starts() -> None:
    """A reload makes the new calendar while the old one still holds."""
    told: list[bool] = []
    jobs = Jobs([DAY], told.append, zone=BERLIN, now=WallClock("2026-07-01 12:00:00"))
    jobs.arm()
    assert told == []
    jobs.start()
    jobs.close()
    assert told == [True]
