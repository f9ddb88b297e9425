from __future__ import annotations

import time as clocks
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.core.opening_hours import DAYS, is_open, next_change
from gate.service.jobs import Jobs

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=26)


@dataclass(frozen=True)
class Span:
    opens: time
    closes: time
    days: tuple[str, ...] = DAYS


DAY = Span(time(9, 30), time(18))
NIGHT = Span(time(20), time(2), ("sat",))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-07-01 09:29:59", False),
        ("2026-07-01 09:30:00", True),
        ("2026-07-01 17:59:59", True),
        ("2026-07-01 18:00:00", False),
        ("2026-07-04 20:00:00", True),  # Saturday
        ("2026-07-05 01:59:59", True),  # the night of Saturday
        ("2026-07-05 02:00:00", False),
        ("2026-07-05 20:00:00", False),
    ],
)
def test_the_lane_is_open_in_its_hours(at: str, expected: bool) -> None:
    """Spans include their beginning, not their end, and may run past midnight."""
    assert is_open((DAY, NIGHT), datetime.fromisoformat(at)) is expected


def test_from_midnight_to_midnight_is_a_whole_day() -> None:
    """A Saturday from 00:00 to 24:00 has its first second and its last."""
    saturday = (Span(time(0), time(0), ("sat",)),)
    begin = datetime(2026, 7, 4, tzinfo=BERLIN)
    second = timedelta(seconds=1)
    opens = [is_open(saturday, begin + seconds) for seconds in (-second, 0 * second)]
    closes = [is_open(saturday, begin + timedelta(days=1) + at) for at in (-second, 0 * second)]
    assert (opens, closes) == ([False, True], [True, False])
    assert next_change(saturday, begin, BERLIN) == (begin + timedelta(days=1), False)


def test_a_lane_without_hours_is_always_open() -> None:
    """No hours in the config: the operator alone closes the lane, and nothing changes."""
    now = datetime(2026, 1, 1, tzinfo=BERLIN)
    assert is_open((), now)
    assert next_change((), now, BERLIN) is None


def test_the_next_change_has_the_offset_of_its_own_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the day before summer time, Monday's opening is told in summer time, in any zone."""
    now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    hours = (Span(time(9, 30), time(18), ("mon",)),)
    expected = "2026-03-30T09:30:00+02:00"
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        clocks.tzset()
        told = next_change(hours, now.astimezone(), None)
    clocks.tzset()
    assert told is not None
    assert (told[0].isoformat(), told[1]) == (expected, True)
    told = next_change(hours, now.astimezone(BERLIN), BERLIN)
    assert told is not None
    assert told[0].isoformat() == expected


def shifts(zone: tzinfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, int, int]]:
    """Each change of the offset: the first minute with the new one, and both offsets in minutes."""

    def offset(at: datetime) -> int:
        moved = at.astimezone(zone).utcoffset()
        assert moved is not None
        return moved // MINUTE

    day, before = begin, offset(begin)
    while day < end:
        after = offset(day + timedelta(days=1))
        if before != after:
            for minute in range(1, 24 * 60 + 1):
                at = day + minute * MINUTE
                if offset(at) != offset(at - MINUTE):
                    yield at, offset(at - MINUTE), offset(at)
        day, before = day + timedelta(days=1), after


def every_shift() -> list[tuple[str, list[tuple[datetime, int, int]]]]:
    """The changes of 2024–2030 of every zone that has any; equal lists once, by a zone's name."""
    begin, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    names: dict[tuple[tuple[datetime, int, int], ...], str] = {}
    for name in sorted(available_timezones()):
        names.setdefault(tuple(shifts(ZoneInfo(name), begin, end)), name)
    return [(name, list(found)) for found, name in names.items() if found]


def wall(at: int) -> time:
    return time(at % 1440 // 60, at % 60)


def schedules(shift: datetime, before: int, after: int) -> list[Span]:
    """Five schedules about one change of the offset: what the clock shows on its two sides."""
    minute = shift.hour * 60 + shift.minute
    left, right = minute + before, minute + after  # the clock goes from `left` on to `right`
    low, high = min(left, right), max(left, right)
    third = (high - low) // 3
    return [
        Span(wall(low - 300), wall(low + third)),  # across midnight, or at least the change
        Span(wall(low + third), wall(high - third)),  # inside the gap, or the doubled hour
        Span(wall(low + third), wall(high + 240)),  # begins inside
        Span(wall(left), wall(right)),  # exactly on it
        Span(time(0), time(0)),  # all day
    ]


def truth(span: Span, begin: datetime, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the clock shows a time within the span, for each minute from ``begin`` (UTC) on."""
    minute = begin.hour * 60 + begin.minute + np.arange(len(offsets)) + offsets
    clock = minute % 1440
    opens, closes = (at.hour * 60 + at.minute for at in (span.opens, span.closes))
    if opens < closes:
        return (clock >= opens) & (clock < closes)
    return (clock >= opens) | (clock < closes)


@pytest.mark.slow
def test_the_lane_follows_the_clock_through_every_change_of_every_zone() -> None:
    """A day and more around each change of 2024–2030, minute by minute: told at once, and foretold.

    What is right is worked out by stepping UTC and adding the offset, without the code's own way.
    """
    minutes, walked = 2 * (AROUND // MINUTE), 0
    for name, found in every_shift():
        zone = ZoneInfo(name)
        for shift, before, after in found:
            begin = shift - AROUND
            locals_ = [(begin + number * MINUTE).astimezone(zone) for number in range(minutes)]
            offsets = np.array([at.utcoffset() // MINUTE for at in locals_])  # type: ignore[operator]
            assert (before, after) == (offsets[minutes // 2 - 1], offsets[minutes // 2])
            for span in schedules(shift, before, after):
                right = truth(span, begin, offsets)
                told: list[bool] = []
                ticks = iter(locals_)
                jobs = Jobs([span], told.append, zone=zone, now=lambda _: next(ticks))  # noqa: B023
                states = []
                for _ in range(minutes):
                    jobs.compare()
                    states.append(told[-1])
                wrong = np.flatnonzero(np.array(states) != right)
                assert not len(wrong), (name, span, locals_[wrong[0]])
                assert len(told) == 1 + np.count_nonzero(np.diff(right))
                changes = np.flatnonzero(np.diff(right)) + 1
                for at in (0, minutes // 2 - 30, *changes):
                    later = changes[changes > at]
                    foretold = next_change([span], locals_[at], zone)
                    if len(later):
                        said = locals_[later[0]], bool(right[later[0]])
                        assert foretold == said, (name, span, locals_[at])
                        assert foretold[0].utcoffset() == said[0].utcoffset()
                walked += 1
    assert walked > 1000
