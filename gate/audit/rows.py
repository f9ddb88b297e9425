"""Conversion of events to rows of the log, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.audit import chain
from gate.audit.errors import CorruptLog, UnknownWord
from gate.core import text
from gate.core.domain import Event, EventKind, Origin, Reason, Record, State

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
_SLACK = 1e-3
"""Thousandths of a millionth that binary fractions may lack: 0.29 * 1e6 is 289999.99999999994."""


def milliseconds(wall: datetime) -> int:
    """UTC milliseconds since 1970 of a time that knows its zone."""
    return (wall - _EPOCH) // MILLISECOND


def moment(wall: int) -> datetime:
    """The time of a row; one beyond a datetime's years, which only tampering writes, is cut."""
    try:
        return _EPOCH + wall * MILLISECOND
    except OverflowError:
        return datetime(9999 if wall > 0 else 1, 1, 1, tzinfo=UTC)


def millionths(part: float | None) -> int | None:
    """A probability in millionths, cut, so that it stays on its side of a six-digit threshold."""
    if part is None or not math.isfinite(part):
        return None
    return math.floor(part * 1_000_000 + _SLACK)


def fraction(part: int | None) -> float | None:
    """The probability of so many millionths."""
    return None if part is None else part / 1_000_000


def what_of(event: Event) -> tuple[str, str, str, str]:
    """Kind, reason, state before and after; '' where there is none."""
    return (event.kind, event.reason or "", event.before or "", event.after or "")


def what_columns(event: Event) -> dict[str, Any]:
    """The columns of `what` for the event."""
    return dict(zip(("kind", "reason", "before", "after"), what_of(event), strict=True))


def origin_row(origin: Origin) -> dict[str, Any]:
    """The columns of `origin` for an origin."""
    return {
        "gate": origin.gate,
        "boot": origin.boot,
        "version": origin.version,
        "model": origin.model,
        "config": origin.config,
        "threshold": millionths(origin.threshold),
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Number, time and link of an event that enters the log."""

    sequence: int
    wall: int
    trusted: bool
    waited: int | None
    previous: bytes


def event_row(
    event: Event, place: Place, what: int, origin: int, origin_digest: bytes
) -> dict[str, Any]:
    """The event as columns, linked by rule 2 to the row before it."""
    row: dict[str, Any] = {
        "sequence": place.sequence,
        "wall": place.wall,
        "trusted": int(place.trusted),
        "monotonic": round(event.monotonic * 1_000_000),
        "visit": event.visit,
        "score": millionths(event.score),
        "frames": event.frames,
        "frame": event.frame,
        "waited": place.waited,
    }
    numbers = chain.numbers_text([row[name] for name in chain.NUMBERS])
    who, detail = printable(event.who), printable(event.detail)
    words = chain.words_digest(who, detail)
    digest = chain.row_digest(
        place.previous,
        origin_digest,
        numbers,
        chain.what_text(*what_of(event)),
        words or b"",
    )
    row.update(origin=origin, what=what, who=who, detail=detail, digest=digest, words=words)
    return row


def printable(words: str | None) -> str | None:
    """The words with '?' for what steers a reader's terminal or can't be kept; no text is none."""
    return text.printable(words) if words else None


_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("sequence", "wall", "trusted", "monotonic"), int),
    **dict.fromkeys(
        ("visit", "score", "frames", "frame", "waited", "threshold"), (int, type(None))
    ),
    **dict.fromkeys(("who", "detail"), (str, type(None))),
    **dict.fromkeys(("gate", "boot", "version", "model", "config"), str),
    **dict.fromkeys(("kind", "reason", "before", "after"), str),
    "digest": bytes,
}
"""What the columns of a row are; anything else is damage."""


def record(row: Mapping[str, Any]) -> Record:
    """The record of a row of `event` joined with its `what` and `origin`.

    Raises CorruptLog where a value is of a kind that is never written, UnknownWord where the row
    has a word that this program doesn't know.
    """
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind):
            raise CorruptLog(
                f"audit log, event {row['sequence']}: its {name} is damaged;"
                " `smile-gate audit verify` says where the log isn't whole"
            )
    try:
        event = Event(
            kind=EventKind(row["kind"]),
            monotonic=row["monotonic"] / 1_000_000,
            before=State(row["before"]) if row["before"] else None,
            after=State(row["after"]) if row["after"] else None,
            reason=Reason(row["reason"]) if row["reason"] else None,
            visit=row["visit"],
            score=fraction(row["score"]),
            frames=row["frames"],
            frame=row["frame"],
            who=row["who"],
            detail=row["detail"],
        )
    except ValueError as error:
        raise UnknownWord(
            f"audit log, event {row['sequence']}: {error}; a newer smile-gate wrote it (upgrade),"
            " or it is damaged (`smile-gate audit verify`)",
            row["sequence"],
        ) from error
    return Record(
        sequence=row["sequence"],
        boot=row["boot"],
        wall=moment(row["wall"]),
        event=event,
        clock_trusted=bool(row["trusted"]),
        origin=Origin(
            row["gate"],
            row["boot"],
            row["version"],
            row["model"],
            row["config"],
            fraction(row["threshold"]),
        ),
        waited=None if row["waited"] is None else row["waited"] / 1000,
        digest=row["digest"].hex(),
    )
