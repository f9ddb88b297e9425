"""Results of a test of one part."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.errors import GateError


class Grade(StrEnum):
    """Grades of a finding."""

    OK = "ok"
    WARN = "warn"
    """The gate works, and somebody should look at it."""
    FAIL = "fail"
    """The gate does not work like this."""
    SKIPPED = "skipped"
    """Not tested; the finding says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about a part, and what to do about it."""

    verdict: Grade
    seen: str
    advice: str = ""


def ok(seen: str) -> Finding:
    """A finding that all is well."""
    return Finding(Grade.OK, seen)


def warn(seen: str, advice: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(Grade.WARN, seen, advice)


def fail(seen: str, advice: str) -> Finding:
    """A finding that has to be mended."""
    return Finding(Grade.FAIL, seen, advice)


def skipped(why: str, advice: str = "") -> Finding:
    """A finding that the part was not tested."""
    return Finding(Grade.SKIPPED, why, advice)


def failed(error: GateError, advice: str = "") -> Finding:
    """A finding from an error of the gate, whose text names the remedy after a semicolon."""
    seen, _, remedy = str(error).partition("; ")
    return fail(seen, remedy or advice)
