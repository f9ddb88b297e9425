"""Opening hours: whether the lane is to be open at a time of a day, and when that changes next.

The clock on the wall decides: a time that summer time skips is passed over, and an hour that comes
twice is judged alike both times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Protocol


class Span(Protocol):
    """One span of opening hours."""

    @property
    def days(self) -> tuple[str, ...]:
        """Days on which it begins: ``mon`` … ``sun``."""

    @property
    def opens(self) -> time:
        """Time at which it begins."""

    @property
    def closes(self) -> time:
        """Time at which it ends; on the next day where that is not after ``opens``."""


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON = timedelta(days=9)
"""How far ahead a change can lie: a week, and what summer time moves."""
STEP = timedelta(hours=6)
"""No zone changes its offset twice within this."""


def is_open(hours: Iterable[Span], local: datetime) -> bool:
    """Whether any span covers the local time; a lane without hours is always open."""
    day, clock = local.weekday(), local.time()
    today, yesterday = DAYS[day], DAYS[day - 1]
    any_span = False
    for span in hours:
        any_span = True
        if span.opens < span.closes:
            if today in span.days and span.opens <= clock < span.closes:
                return True
        elif (today in span.days and clock >= span.opens) or (
            yesterday in span.days and clock < span.closes
        ):
            return True
    return not any_span


def next_change(
    hours: Sequence[Span], now: datetime, zone: tzinfo | None
) -> tuple[datetime, bool] | None:
    """The first instant after ``now`` at which the hours say something else, and what they say.

    ``zone`` None is the system's. None if nothing changes within `HORIZON`.
    """
    before = is_open(hours, now.astimezone(zone))
    for at in sorted({*_edges(hours, now, zone), *_shifts(now, zone)}):
        local = at.astimezone(zone)
        if at > now and is_open(hours, local) is not before:
            return local, not before
    return None


def _edges(hours: Sequence[Span], now: datetime, zone: tzinfo | None) -> Iterator[datetime]:
    """Every instant at which the clock may show an edge of the hours; in a doubled hour both."""
    today = now.astimezone(zone).date()
    for edge in {edge for span in hours for edge in (span.opens, span.closes)}:
        for number in range(HORIZON.days):
            naive = datetime.combine(today + timedelta(days=number), edge)
            for fold in (0, 1):
                yield naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _shifts(now: datetime, zone: tzinfo | None) -> Iterator[datetime]:
    """The instants at which the zone changes its offset: the clock may jump over an edge there."""

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(HORIZON // STEP):
        early, late = begin + number * STEP, begin + (number + 1) * STEP
        if offset(early) == offset(late):
            continue
        first = offset(early)
        while late - early > timedelta(seconds=1):
            middle = (early + (late - early) / 2).replace(microsecond=0)
            early, late = (middle, late) if offset(middle) == first else (early, middle)
        yield late
