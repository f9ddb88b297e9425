"""Times as people say them, in the local zone: "yesterday", "last 2 hours", "14:30"."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import click

_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_AGO = re.compile(r"(?:last\s+)?(?:(\d+)\s*)?(second|minute|hour|day|week)s?(?:\s+ago)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DAYS = {"today": 0, "yesterday": 1}

HINT = 'say a time such as "yesterday", "last 2 hours", "14:30", "2026-05-01" or "2026-05-01 09:00"'


def moment(words: str, now: datetime) -> datetime:
    """The beginning of the time that `words` say, seen from `now`, in the zone of `now`.

    A day begins at local midnight, "yesterday 14:30" is that minute, "2 hours" and "last 2 hours"
    are two hours before now, "14:30" is today's; an ISO 8601 time may carry its own offset.

    Raises ValueError for words that say no time.
    """
    text = " ".join(words.lower().split())
    if text == "now":
        return now
    day, _, clock = text.partition(" ")
    if day in _DAYS:
        return _local(now, now.date() - timedelta(days=_DAYS[day]), clock)
    if _CLOCK.fullmatch(text):
        return _local(now, now.date(), text)
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1] or 1) * _UNITS[ago[2]]
    said = datetime.fromisoformat(words.strip())
    return said if said.tzinfo else _zoned(said, now)


def _local(now: datetime, day: object, clock: str) -> datetime:
    at = time.fromisoformat(clock.zfill(5) if clock.count(":") == 1 else clock) if clock else time()
    return _zoned(datetime.fromisoformat(f"{day}T{at.isoformat()}"), now)


def _zoned(said: datetime, now: datetime) -> datetime:
    """The local time `said`, with the offset that holds on that day."""
    if now.tzinfo is None or not hasattr(now.tzinfo, "key"):
        return said.astimezone()
    return said.replace(tzinfo=now.tzinfo)


def when(words: str) -> datetime:
    """The type of an option that takes a time."""
    try:
        return moment(words, datetime.now().astimezone())
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{words!r} is no time: {HINT}") from error
