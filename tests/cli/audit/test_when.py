"""Times are understood as people say them, in their own zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gate.cli.audit.when import moment, unknown_zone

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
        ("sunday", "2026-03-28T23:00"),
        ("Monday", "2026-03-22T23:00"),
        ("sat", "2026-03-27T23:00"),
        ("last sunday", "2026-03-21T23:00"),
        ("monday 9:30", "2026-03-23T08:30"),
        ("monday morning", "2026-03-23T05:00"),
        ("this morning", "2026-03-29T04:00"),
        ("yesterday evening", "2026-03-28T17:00"),
        ("last night", "2026-03-28T21:00"),
        ("noon", "2026-03-29T10:00"),
        ("today 14:30", "2026-03-29T12:30"),
        ("14h", "2026-03-29T12:00"),
        ("14h15", "2026-03-29T12:15"),
        ("yesterday 14h", "2026-03-28T13:00"),
        ("2 pm", "2026-03-29T12:00"),
        ("12:30 am", "2026-03-28T23:30"),
        ("14 h ago", "2026-03-28T22:30"),
        ("last 14h", "2026-03-28T22:30"),
        ("90min", "2026-03-29T11:00"),
        ("this week", "2026-03-22T23:00"),
        ("this month", "2026-02-28T23:00"),
        ("this year", "2025-12-31T23:00"),
        ("2026-02", "2026-01-31T23:00"),
        ("2026-2-3", "2026-02-02T23:00"),
        ("26.2.2026", "2026-02-25T23:00"),
        ("26.02.", "2026-02-25T23:00"),
        ("26.02.2026 14:30", "2026-02-26T13:30"),
    ],
)
def test_words_say_a_time(words: str, utc: str) -> None:
    """Each wording means the moment that a person in that zone means."""
    assert moment(words, NOW).astimezone(ZoneInfo("UTC")).isoformat()[:16] == utc


@pytest.mark.parametrize(
    "words",
    [
        *("", "tomorrowish", "25:00", "last two hours", "2026-13-01", "2026-13", "31.2.2026"),
        *("26/11/2026", "t", "last", "13 pm", "h", "this", "monday monday", "14"),
    ],
)
def test_what_says_no_time_is_refused(words: str) -> None:
    """Words that say no time are an error, not a guess."""
    with pytest.raises(ValueError, match=r".*"):
        moment(words, NOW)


@pytest.mark.parametrize(
    ("zone", "known"),
    [
        ("Europe/Berlin", True),
        (":Europe/Berlin", True),
        ("UTC", True),
        ("CET-1CEST,M3.5.0,M10.5.0/3", True),
        ("<+0545>-5:45", True),
        ("", True),
        ("Foo/Bar", False),
        ("Europe/Berlim", False),
        ("/no/such/file", False),
    ],
)
def test_a_zone_that_nobody_knows_is_told(
    zone: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system takes it for UTC in silence, and every time would be another."""
    monkeypatch.setenv("TZ", zone)
    said = unknown_zone()
    assert (said is None) is known
    assert known or f"TZ={zone} is no time zone" in str(said)
