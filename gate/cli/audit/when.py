"""Times as people say them, in the local zone: "monday", "this morning", "last 2 hours", "14h"."""

from __future__ import annotations

import os
import re
import time as clock
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import click

_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_SHORT = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "d": "day"}
_AGO = re.compile(
    r"(?P<last>last\s+)?(?:(?P<count>\d+)\s*)?"
    r"(?P<unit>second|minute|hour|day|week|sec|min|s|h|d)s?(?P<ago>\s+ago)?"
)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2}))?|(?P<bare>h))?"
    r"\s*(?P<half>[ap]\.?m\.?)?"
)
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(r"(?:(?P<last>last|this)\s+)?(?P<name>[a-z]{3,9})")
_PARTS = {"midnight": 0, "morning": 6, "noon": 12, "afternoon": 12, "evening": 18, "night": 22}
"""Part of a day → the hour with which it begins."""
_PART = re.compile(rf"(?:(?P<which>this|yesterday|today|last)\s+)?(?P<part>{'|'.join(_PARTS)})")
_DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})?"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
)

HINT = (
    'say a time such as "yesterday", "monday", "this morning", "last 2 hours", "14:30", "14h",'
    ' "2026-05-01", "1.5.2026", "2026-05" or "2026-05-01 09:00"'
)


def moment(words: str, now: datetime) -> datetime:
    """The beginning of the time that `words` say, seen from `now`, in the zone of `now`.

    A day begins at local midnight, a weekday is the last one that has begun, "yesterday 14:30" is
    that minute, "2 hours" and "last 2 hours" are two hours before now, "14:30" and "14h" are
    today's, a morning begins at 6; an ISO 8601 time may carry its own offset.

    Raises ValueError for words that say no time.
    """
    text = " ".join(words.lower().split())
    if text == "now":
        return now
    if ago := _ago(text):
        return (now.astimezone(UTC) - ago).astimezone(now.tzinfo)  # hours that really passed
    for day_of in (_named_day, _written_day):
        # A day, alone or before a time of it; and a time, which is today's.
        for head, rest in _splits(text):
            day = day_of(head, now)
            at = _time_of(rest)
            if day is not None and at is not None:
                return _local(now, day, at)
    if part := _PART.fullmatch(text):
        before = part["which"] in ("yesterday", "last")
        return _local(now, now.date() - timedelta(days=before), time(_PARTS[part["part"]]))
    if text and (at := _time_of(text)) is not None:
        return _local(now, now.date(), at)
    said = datetime.fromisoformat(words.strip())
    return said if said.tzinfo else _zoned(said, now)


def _splits(text: str) -> list[tuple[str, str]]:
    """The text as a day and a time of that day, in every way."""
    words = text.split(" ")
    return [(" ".join(words[:at]), " ".join(words[at:])) for at in range(len(words), 0, -1)]


def _ago(text: str) -> timedelta | None:
    """How long ago that is; a bare ``14h`` is a time of day."""
    found = _AGO.fullmatch(text)
    if found is None:
        return None
    unit = _SHORT.get(found["unit"], found["unit"])
    if found["unit"] == "h" and not (found["last"] or found["ago"]):
        return None
    if found["unit"] in _SHORT and found["count"] is None:
        return None
    return int(found["count"] or 1) * _UNITS[unit]


def _named_day(text: str, now: datetime) -> date | None:
    """The day of ``yesterday``, ``monday``, ``last sat``, ``this week``, ``this month``."""
    today = now.date()
    known = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "this week": today - timedelta(days=today.weekday()),
        "this month": today.replace(day=1),
        "this year": today.replace(month=1, day=1),
    }
    if text in known:
        return known[text]
    found = _WEEKDAY.fullmatch(text)
    names = [name for name in _NAMES if found and name.startswith(found["name"])]
    if found is None or len(names) != 1:
        return None
    back = (today.weekday() - _NAMES.index(names[0])) % 7
    if back == 0 and found["last"] == "last":
        back = 7
    return today - timedelta(days=back)


def _written_day(text: str, now: datetime) -> date | None:
    """The day of ``2026-11``, ``26.11.2026``, ``26.11.``, ``2026-11-26``."""
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            year = int(parts.get("year") or now.year)
            return date(year, int(parts["month"]), int(parts.get("day") or 1))
    return None


def _time_of(text: str) -> time | None:
    """The time of day that the text says; midnight for none at all, None where it says no time."""
    if not text:
        return time()
    if text in _PARTS:
        return time(_PARTS[text])
    found = _CLOCK.fullmatch(text)
    if found is None or not (found["minute"] or found["bare"] or found["half"]):
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"].startswith("p") else 0)
    return time(hour, minute, second)


def _local(now: datetime, day: date, at: time) -> datetime:
    return _zoned(datetime.combine(day, at), now)


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


def in_order(since: datetime | None, until: datetime | None) -> None:
    """Raise click's UsageError where the one does not come before the other."""
    if since is not None and until is not None and since >= until:
        raise click.UsageError(
            f"--since ({in_words(since)}) must be before --until ({in_words(until)})"
        )


def in_words(at: datetime) -> str:
    """A time of the local zone, with the zone's name."""
    return f"{local_time(at)} {zone_of(at)}"


def local_time(wall: datetime) -> str:
    """The time in the local zone, to the second."""
    return _in_zone(wall, lambda at: at.strftime("%Y-%m-%d %H:%M:%S"))


def zone_of(wall: datetime) -> str:
    """What the local zone is called at that time: CET, CEST, -03."""
    return _in_zone(wall, lambda at: at.tzname() or "UTC")


def _in_zone(wall: datetime, said: Callable[[datetime], str]) -> str:
    try:
        return said(wall.astimezone())
    except (OverflowError, OSError):  # the year 1 or 9999, which only tampering writes
        return said(wall)


_POSIX = re.compile(r"(<[-+A-Za-z0-9]+>|[A-Za-z]{3,})[-+]?[0-9].*")
"""A zone as ``TZ`` may describe it: POSIX.1, "Other Environment Variables"."""


def unknown_zone() -> str | None:
    """What is wrong with the zone that the environment names; None where nothing is.

    The system takes an unknown one for UTC, without a word.
    """
    name = os.environ.get("TZ", "").removeprefix(":")
    known = not name or name in available_timezones() or _POSIX.fullmatch(name)
    if known or (name.startswith("/") and Path(name).is_file()) or name in clock.tzname:
        return None
    return f"TZ={name} is no time zone that is known here: times are in UTC"
