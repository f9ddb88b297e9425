"""Times are understood as people say them, in their own zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gate.cli.audit.when import moment

NOW = datetime(2026, 3, 29, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))
"""The day on which Berlin's clocks went from 02:00 to 03:00."""


@pytest.mark.parametrize(
    ("words", "utc"),
    [
        ("now", "2026-03-29T12:30"),
        ("today", "2026-03-28T23:00"),
        ("Yesterday", "2026-03-27T23:00"),
        ("yesterday 9:15", "2026-03-28T08:15"),
        ("last 2 hours", "2026-03-29T10:30"),
        ("2 hours ago", "2026-03-29T10:30"),
        ("last hour", "2026-03-29T11:30"),
        ("90 minutes", "2026-03-29T11:00"),
        ("09:00", "2026-03-29T07:00"),
        ("2026-03-28", "2026-03-27T23:00"),
        ("2026-03-28 09:00", "2026-03-28T08:00"),
        ("2026-03-28T09:00:00Z", "2026-03-28T09:00"),
        ("2026-03-28T09:00+05:45", "2026-03-28T03:15"),
    ],
)
def test_words_say_a_time(words: str, utc: str) -> None:
    """Each wording means the moment that a person in that zone means."""
    assert moment(words, NOW).astimezone(ZoneInfo("UTC")).isoformat()[:16] == utc


@pytest.mark.parametrize("words", ["", "tomorrowish", "25:00", "last two hours", "2026-13-01"])
def test_what_says_no_time_is_refused(words: str) -> None:
    """Words that say no time are an error, not a guess."""
    with pytest.raises(ValueError, match=r".*"):
        moment(words, NOW)
