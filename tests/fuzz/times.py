"""Times as people say them: a moment with its offset, or the exception that becomes one line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gate.cli.audit.when import moment
from tests.fuzz.target import Target, corpus, edited

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
SAID = b"now|today|yesterday 14:30|last 2 hours|90 minutes ago|14:30|2026-05-01|2026-05-01 09:00"
SAID += b"|2026-05-01T09:00:00+02:00|last week|0|24:00|2026-02-30|99999 weeks|1 second"


def check(_folder: Path, data: bytes) -> None:
    """A moment that has an offset and can be written, or ValueError or OverflowError."""
    try:
        found = moment(data.decode("utf-8", "replace"), NOW)
        assert found.utcoffset() is not None
    except (ValueError, OverflowError):
        return
    found.isoformat()


TIMES = Target(
    "times",
    "words are a moment with its offset, or refused",
    50_000,
    edited([*SAID.split(b"|"), *corpus("times")], [b"9" * 30, "٣".encode(), b":", b" ", b"+99:99"]),
    check,
)
