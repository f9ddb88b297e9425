"""Opening hours: whether the lane is to be open at a time of a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
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


def is_open(hours: Iterable[Span], local: datetime) -> bool:
    """Whether any span covers the local time; a lane without hours is always open."""
    spans = tuple(hours)
    today = DAYS[local.weekday()]
    yesterday = DAYS[(local - timedelta(days=1)).weekday()]
    clock = local.time().replace(tzinfo=None)
    for span in spans:
        if span.opens < span.closes:
            if today in span.days and span.opens <= clock < span.closes:
                return True
        elif (today in span.days and clock >= span.opens) or (
            yesterday in span.days and clock < span.closes
        ):
            return True
    return not spans
