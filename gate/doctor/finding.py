"""What a test of one part comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.errors import GateError


class Grade(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    """The gate works, and somebody should look at it."""
    FAIL = "fail"
    """The gate does not work like this."""
    SKIPPED = "skipped"
    """Not tested; what was seen says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen of a part, and what to do about it."""

    verdict: Grade
    seen: str
    advice: str = ""


def ok(seen: str) -> Finding:
    """The part is well."""
    return Finding(Grade.OK, seen)


def warn(seen: str, advice: str) -> Finding:
    """Somebody should look at it."""
    return Finding(Grade.WARN, seen, advice)


def fail(seen: str, advice: str) -> Finding:
    """It has to be mended."""
    return Finding(Grade.FAIL, seen, advice)


def skipped(why: str, advice: str = "") -> Finding:
    """It was not tested."""
    return Finding(Grade.SKIPPED, why, advice)


def failed(error: GateError, advice: str = "") -> Finding:
    """An error of the gate's own, whose text names its remedy after a semicolon."""
    seen, _, remedy = str(error).partition("; ")
    return fail(seen, remedy or advice)
