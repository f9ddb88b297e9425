"""Questions about the log and their answers, a page at a time: the work of the query process.

A question is a JSON object, an answer a head (JSON object) and a body (bytes). Nothing is kept
between two questions, so that whoever reads slowly holds up nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from gate.audit import chain
from gate.audit.export import csv_piece, digest_before
from gate.audit.identity import read_edge, rules
from gate.audit.query import PAGE, Query, page
from gate.audit.schema import event
from gate.audit.session import Session
from gate.audit.stats import By, as_dict, statistics
from gate.core.domain import EventKind, Reason, State
from gate.errors import ControlError

COLUMNS = (
    *chain.NUMBERS,
    *("kind", "reason", "before", "after"),
    *("who", "detail", "words"),
    *("origin", "digest"),
)
"""The columns of a flat row; units: `gate.audit.schema`. `origin` is a key of `origins`, `words`
rule 2's digest of `who` and `detail`, by which an erased row can still be checked."""
ORIGIN = ("gate", "boot", "version", "model", "config", "threshold")
"""The values of an origin, in this order; the threshold is in millionths."""
ROWS = 50_000
"""Most rows of one answer."""
BYTES = 4 * 2**20
"""Most bytes of one answer: the gate's process has to hold it while a client takes it."""
PIECE = BYTES // 4
"""Length of one piece of an export, characters; a page of events is cut to twice that."""

Head = dict[str, Any]
_Word = TypeVar("_Word", bound=StrEnum)


def answer(session: Session, question: Mapping[str, Any]) -> tuple[Head, bytes]:
    """Answer a question; ``ask`` says which. Raises `ControlError` or StoreError."""
    fields = dict(question)
    head, body = _ASKED[fields.pop("ask")](session, fields)
    if len(body) > BYTES:
        raise _too_long()
    return head, body


def identity(connection: Connection) -> str | None:
    """The log's identity, 32 hex digits; None for a log without events."""
    edge = read_edge(connection)
    return None if edge is None else edge.log.hex()


def _events(session: Session, fields: dict[str, Any]) -> tuple[Head, bytes]:
    """The page after an event: head with ``last`` (None for no row) and ``more``."""
    after = fields["after"]
    with session.reading() as connection:
        log = identity(connection)
        if fields.get("log") not in (None, log):
            raise ControlError(f"this log is another one ({log}); begin anew, with its events")
        newest = connection.execute(select(func.max(event.c.sequence))).scalar() or 0
        if after > newest:
            raise ControlError(f"there is no event {after} yet: the newest is {newest}")
        found = page(connection, Query(after=after), PAGE)
        begins = found[0]["sequence"] if found else 0
        before = chain.START.digest if begins == 1 else digest_before(connection, begins)
        second = rules(connection).second
    head = {"log": log, "columns": COLUMNS, "more": len(found) == PAGE, "last": None}
    if not found:
        return head, b""
    begun = {
        "from": begins,
        "previous": None if before is None else before.hex(),
        "rule_2_from": second,
    }
    while len(body := _line(begun | _flat(found))) > BYTES // 2 and len(found) > 1:
        found, head["more"] = found[: len(found) // 2], True  # rows with uncommonly much to say
    return head | {"last": found[-1]["sequence"]}, body


def _search(session: Session, fields: dict[str, Any]) -> tuple[Head, bytes]:
    limit = _number(fields.pop("limit", 100), "limit")
    if not 1 <= limit <= ROWS:
        raise ControlError(f"limit: a number from 1 to {ROWS}")
    newest_first = fields.pop("newest_first", False) is True
    query, origins = query_of(fields), dict[str, list[Any]]()
    parts: list[bytes] = []
    left, size = limit, 0
    with session.reading() as connection:
        log = identity(connection)
        while left > 0:
            found = page(connection, query, min(left, PAGE), newest_first=newest_first)
            flat = _flat(found)
            origins |= flat["origins"]
            if found:
                parts.append(_json(flat["events"])[1:-1])
                edge = {"before" if newest_first else "after": found[-1]["sequence"]}
                query = replace(query, **edge)
            size += len(parts[-1]) if found else 0
            if size > BYTES:
                raise _too_long()
            left = left - len(found) if len(found) == PAGE else 0
    head = _json({"ok": True, "log": log, "columns": COLUMNS, "origins": origins})
    return {}, head[:-1] + b',"events":[' + b",".join(parts) + b"]}\n"


def _stats(session: Session, fields: dict[str, Any]) -> tuple[Head, bytes]:
    """Seven days up to now, unless ``since`` and ``until`` say otherwise."""
    until = _time(fields.get("until"), "until") or datetime.now(UTC)
    since = _time(fields.get("since"), "since") or until - timedelta(days=7)
    if since >= until:
        raise ControlError("'since' must be before 'until'")
    by = _word(By, fields.get("by", By.DAY), "by")
    with session.reading() as connection:
        counted = statistics(connection, since, until, by)
    said = {
        "ok": True,
        "since": counted.since.isoformat(),
        "until": counted.until.isoformat(),
        "by": by,
        "total": as_dict(counted.total),
        "parts": [as_dict(part) for part in counted.parts],
    }
    return {}, _line(said)


def _export(session: Session, fields: dict[str, Any]) -> tuple[Head, bytes]:
    """The next piece; ``tally`` is what the answer before gave, None for the first."""
    tally = fields.pop("tally", None)
    piece = csv_piece(session, query_of(fields), tally, PIECE)
    head = {name: getattr(piece, name) for name in ("tally", "query", "log", "more")}
    return head, piece.text.encode()


_ASKED: dict[str, Callable[[Session, dict[str, Any]], tuple[Head, bytes]]] = {
    "events": _events,
    "search": _search,
    "stats": _stats,
    "export": _export,
}


def _flat(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as arrays, and their origins, each of which is said once."""
    origins: dict[str, list[Any]] = {}
    events = []
    for row in rows:
        origins.setdefault(str(row["origin"]), [row[name] for name in ORIGIN])
        events.append([_plain(row[name]) for name in COLUMNS])
    return {"origins": origins, "events": events}


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _line(value: dict[str, Any]) -> bytes:
    return _json(value) + b"\n"


def _too_long() -> ControlError:
    return ControlError(f"the answer is longer than {BYTES >> 20} MB; ask for less, with a limit")


def query_of(fields: Mapping[str, Any]) -> Query:
    """The query of JSON fields, named as those of `Query`. Raises `ControlError`."""
    unknown = fields.keys() - set(Query.__slots__)
    if unknown:
        raise ControlError(f"unknown: {', '.join(sorted(unknown))}")
    known = {name: value for name, value in fields.items() if value is not None}
    return Query(**{name: _READ[name](value, name) for name, value in known.items()})


def _time(value: Any, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None or not MINYEAR < time.year < MAXYEAR:
        raise ControlError(f"{name}: a time with its offset, like 2026-05-01T09:30:00+02:00")
    return time


def _number(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ControlError(f"{name}: a whole number")
    return value


def _score(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ControlError(f"{name}: a number from 0 to 1")
    return float(value)


def _name(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ControlError(f"{name}: a text on one line")
    return value


def _word(kind: type[_Word], value: Any, name: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        raise ControlError(f"{name}: one of {', '.join(kind)}") from None


def _words(kind: type[_Word]) -> Callable[[Any, str], frozenset[_Word]]:
    def read(value: Any, name: str) -> frozenset[_Word]:
        if not isinstance(value, list):
            raise ControlError(f"{name}: a list")
        return frozenset(_word(kind, one, name) for one in value)

    return read


_READ: dict[str, Callable[[Any, str], Any]] = {
    "since": _time,
    "until": _time,
    "events": _words(EventKind),
    "reasons": _words(Reason),
    "states": _words(State),
    "visit": _number,
    "who": _name,
    "score_from": _score,
    "score_to": _score,
    "after": _number,
    "before": _number,
}
