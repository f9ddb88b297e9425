"""Findings and verdict of a verification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.audit.chain import Link


class Harm(StrEnum):
    """Kinds of harm, as the auditor reads them."""

    CHANGED = "changed"
    INSERTED = "inserted"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    MISCOUNTED = "miscounted"
    UNGUARDED = "unguarded"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class LogFinding:
    """One thing that is wrong."""

    harm: Harm
    sequence: int | None
    """The first event that isn't whole, where the harm has a place."""
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """An event's sequence number and digest (hex), as somebody noted them down."""

    sequence: int
    digest: str

    @classmethod
    def parse(cls, text: str) -> Head:
        """A head as `audit head` prints it, ``812:3f5a…``; 16 hex digits of the digest are enough.

        Raises ValueError.
        """
        sequence, _, digest = text.strip().lower().partition(":")
        if not 16 <= len(digest) <= 64:
            raise ValueError(f"{text!r} is no head; it looks like 812:3f5a09c2d4e6b8a1")
        int(digest, 16)
        return cls(int(sequence), digest)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """Result of a verification."""

    events: int
    first: int
    """Sequence number of the oldest event that is there, 0 where there is none."""
    head: Link
    pruned: int
    """Number of events that retention deleted with recorded checkpoints."""
    findings: tuple[LogFinding, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings
