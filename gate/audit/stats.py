"""Statistics: guests let in and turned away, when and why, and how long a smile took.

Counts come from `tally`, a few rows a quarter of an hour, so a year takes no longer to sum than its
quarters; a range is widened to whole quarters. The times to smile come from an index of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from gate.audit.query import quarter_of
from gate.audit.rows import milliseconds, moment
from gate.audit.schema import QUARTER_MS, event, tally, what
from gate.core.domain import EventKind

GRANTS = frozenset({EventKind.GRANTED, EventKind.OPERATOR_GRANTED})
DENIALS = frozenset({EventKind.VISIT_LEFT})
USES = frozenset({EventKind.PASSED})


class By(StrEnum):
    """Ways to divide the counts."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    HOUR_OF_DAY = "hour-of-day"
    WEEKDAY = "weekday"
    REASON = "reason"
    EVENT = "event"


@dataclass(slots=True)
class Count:
    """The counts of one part of the range."""

    label: str
    events: int = 0
    grants: int = 0
    """By a smile or by an operator."""
    denials: int = 0
    """Visits that ended without a grant."""
    passed: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from first sight to the grant, one for each grant by a smile."""

    @property
    def pass_rate(self) -> float | None:
        """Grants as a part of all visits that were decided, 0–1."""
        decided = self.grants + self.denials
        return self.grants / decided if decided else None

    @property
    def median_wait(self) -> float | None:
        """Median seconds from first sight to the grant."""
        return median(self.waits) if self.waits else None

    def add(self, kind: str, count: int) -> None:
        """Count so many events of a kind."""
        self.events += count
        self.grants += count if kind in GRANTS else 0
        self.denials += count if kind in DENIALS else 0
        self.passed += count if kind in USES else 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counts of a range: each part, and the total."""

    since: datetime
    until: datetime
    parts: tuple[Count, ...]
    total: Count


def statistics(
    connection: Connection, since: datetime, until: datetime, by: By, zone: tzinfo | None = None
) -> Statistics:
    """Count from `since` to before `until`, in the days and hours of `zone` (None: the machine's).

    Parts of time are in the order of time, also where the clock was set back; reasons and events by
    how often they come.
    """
    first = quarter_of(milliseconds(since))
    last = quarter_of(milliseconds(until - timedelta(milliseconds=1)))
    part_of = _part(by, zone)
    parts: dict[str, Count] = {}
    total = Count("total")
    counted = (
        select(tally.c.quarter, what.c.kind, what.c.reason, func.sum(tally.c.count))
        .join(what, what.c.id == tally.c.what)
        .where(tally.c.quarter.between(first, last))
        .group_by(tally.c.quarter, what.c.kind, what.c.reason)
    )
    for quarter, kind, reason, count in connection.execute(counted):
        label = part_of(quarter, kind, reason)
        if label is not None:
            parts.setdefault(label, Count(label)).add(kind, count)
        total.add(kind, count)
    waited = (
        select(event.c.wall, event.c.waited)
        .where(event.c.waited.is_not(None))
        .where(event.c.wall >= first * QUARTER_MS, event.c.wall < (last + 1) * QUARTER_MS)
    )
    for wall, wait in connection.execute(waited):
        total.waits.append(wait / 1000)
        label = part_of(quarter_of(wall), EventKind.GRANTED, "smile_held")
        if label in parts:
            parts[label].waits.append(wait / 1000)
    ends = moment(first * QUARTER_MS), moment((last + 1) * QUARTER_MS)
    return Statistics(*ends, tuple(_ordered(parts.values(), by)), total)


def _ordered(parts: Iterable[Count], by: By) -> list[Count]:
    if by in (By.REASON, By.EVENT):
        return sorted(parts, key=lambda part: -part.events)
    return sorted(parts, key=lambda part: part.label)


_FORMATS = {
    By.HOUR: "%Y-%m-%d %H:00",
    By.DAY: "%Y-%m-%d",
    By.MONTH: "%Y-%m",
    By.HOUR_OF_DAY: "%H:00",
    By.WEEKDAY: "%u %a",
}


def _part(by: By, zone: tzinfo | None) -> Callable[[int, str, str], str | None]:
    """A function that gives the part to which a count belongs; None for one that has no part."""
    if by is By.REASON:
        return lambda quarter, kind, reason: reason or None
    if by is By.EVENT:
        return lambda quarter, kind, reason: kind
    layout = _FORMATS[by]
    labels: dict[int, str] = {}

    def part(quarter: int, kind: str, reason: str) -> str:
        label = labels.get(quarter)
        if label is None:
            label = moment(quarter * QUARTER_MS).astimezone(zone).strftime(layout)
            labels[quarter] = label
        return label

    return part


def as_dict(part: Count) -> dict[str, Any]:
    """A part's numbers as a JSON object; the rate is 0–1, the wait in seconds, None for none."""
    return {
        "label": part.label,
        "events": part.events,
        "grants": part.grants,
        "denials": part.denials,
        "passed": part.passed,
        "pass_rate": part.pass_rate,
        "median_wait_s": part.median_wait,
    }


def sparkline(values: Iterable[float]) -> str:
    """The values as a row of little bars, the highest one full."""
    numbers = [*values]
    top = max(numbers, default=0) or 1
    return "".join("▁▂▃▄▅▆▇█"[min(int(value / top * 8), 7)] for value in numbers)
