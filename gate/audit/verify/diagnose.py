"""Diagnosis of a break of the chain, from the rows that follow it.

A row's digest says where the row belongs: it fits one sequence number and one row before it. So a
row that doesn't follow is tried in other places, and the rows after it are tried in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from gate.audit import chain
from gate.audit.chain import Link, Rules
from gate.audit.errors import UNREADABLE
from gate.audit.schema import VERSION, event, origin, what
from gate.audit.verify.findings import Harm, LogFinding

_NEARBY = 200
"""Rows after the break that are looked at; every pair of them is tried."""
_RENUMBERED = 20_000
"""Up to this many events taken out and hidden by renumbering are counted."""


@dataclass(frozen=True, slots=True)
class _Row:
    sequence: int
    digest: bytes
    numbers: tuple[int | None, ...]
    origin: bytes
    what: str
    words: bytes
    text: str
    """The words themselves, which rule 1 takes."""
    sound: bool
    """Whether its words are those of their digest, or were erased on record."""

    def fits(self, sequence: int, previous: bytes) -> bool:
        """Whether the row, unchanged, was event `sequence`, after the digest `previous`."""
        return self.sound and self.digest == self._digest(sequence, previous, self.words)

    def fits_words(self, sequence: int, previous: bytes) -> bool:
        """Whether all but the words was so."""
        return self.digest == self._digest(sequence, previous, self.words)

    def fits_rule_1(self, sequence: int, previous: bytes) -> bool:
        """The same by rule 1."""
        return self.digest == self._digest(sequence, previous, self.text.encode())

    def _digest(self, sequence: int, previous: bytes, words: bytes) -> bytes:
        numbers = chain.numbers_text((sequence, *self.numbers[1:]))
        return chain.row_digest(previous, self.origin, numbers, self.what, words)


def diagnose(
    connection: Connection, after: Link, rules: Rules, layout: int = VERSION
) -> LogFinding | None:
    """Why the event after this link doesn't follow from it; None where there is no such event."""
    place = after.sequence + 1
    try:
        rows = _rows_after(connection, after, rules, layout)
    except UNREADABLE:
        return LogFinding(Harm.CHANGED, place, f"event {place} or one near it isn't as written")
    if not rows:
        return None
    row = rows[0]
    if row.sequence > place:
        last = row.sequence - 1
        gone = f"event {place} is" if last == place else f"events {place} to {last} are"
        return LogFinding(Harm.MISSING, place, f"{gone} missing, and no pruning explains it")
    if place >= rules.second and row.fits_rule_1(place, after.digest):
        said = f"event {place} was written by rule 1, which ended with event {rules.second - 1}"
        return LogFinding(Harm.CHANGED, place, said)
    if not row.sound and row.fits_words(place, after.digest):
        said = f"the words of event {place} were changed, or erased without an event that says so"
        return LogFinding(Harm.CHANGED, place, said)
    for other in rows[1:]:
        if other.fits(place, after.digest):
            if _belongs_elsewhere(row, rows, other):
                said = f"event {place} now stands at {other.sequence}: events were reordered"
                return LogFinding(Harm.REORDERED, place, said)
            said = f"event {place} was inserted; the real one now stands at {other.sequence}"
            return LogFinding(Harm.INSERTED, place, said)
    if gone_before := _taken_out(rows):
        said = f"{gone_before} of the events from {place} on were taken out, the rest renumbered"
        return LogFinding(Harm.MISSING, place, said)
    return LogFinding(Harm.CHANGED, place, f"event {place} isn't as it was written")


def _belongs_elsewhere(row: _Row, rows: Sequence[_Row], first: _Row) -> bool:
    """Whether the row is genuine, at another place among these rows."""
    digests = [first.digest, *(other.digest for other in rows)]
    return any(row.fits(other.sequence, digest) for other in rows[1:] for digest in digests)


def _taken_out(rows: Sequence[_Row]) -> int:
    """Number of events missing before rows that follow one another under higher numbers."""
    if len(rows) < 2:
        return 0
    row, following = rows[0], rows[1]
    for missing in range(1, _RENUMBERED):
        if following.fits(following.sequence + missing, row.digest):
            return missing
    return 0


def _rows_after(connection: Connection, after: Link, rules: Rules, layout: int) -> list[_Row]:
    query = (
        select(*(column for column in event.c if layout > 1 or column.name != "words"))
        .add_columns(what.c.kind, what.c.reason, what.c.before, what.c.after)
        .add_columns(*(column for column in origin.c if column.name != "id"))
        .outerjoin_from(event, what, what.c.id == event.c.what)
        .outerjoin(origin, origin.c.id == event.c.origin)
        .where(event.c.sequence > after.sequence)
        .order_by(event.c.sequence)
        .limit(_NEARBY)
    )
    return [_row(found, rules) for found in connection.execute(query).mappings()]


def _row(found: Any, rules: Rules) -> _Row:
    who, detail, sequence = found["who"], found["detail"], found["sequence"]
    text = chain.words_text(who, detail)
    words, sound = text.encode(), True
    if sequence >= rules.second:
        words = found["words"] or b""
        erased = not text and sequence in rules.erased
        sound = erased or found["words"] == chain.words_digest(who, detail)
    return _Row(
        sequence=sequence,
        digest=found["digest"],
        numbers=tuple(found[name] for name in chain.NUMBERS),
        origin=chain.origin_digest(
            *(found[name] for name in ("gate", "boot", "version", "model", "config", "threshold"))
        ),
        what=chain.what_text(*(found[name] for name in ("kind", "reason", "before", "after"))),
        words=words,
        text=text,
        sound=sound,
    )
