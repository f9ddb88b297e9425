"""The hash chain: each row's digest covers the row's meaning and the digest of the row before it.

    digest = SHA-256(previous digest ‖ origin digest ‖ numbers ‖ what ‖ words)

`numbers` are the row's integers in decimal, each followed by ``|``, an absent one empty; `what` is
kind, reason, state before and after, each followed by ``|``; `words` stands for the JSON array
``[who, detail]``, and is nothing where both are absent; `origin digest` is the SHA-256 of the
origin's JSON array. All text is UTF-8. The ids of the shared rows aren't part of it, so an export
can be checked without the database.

By rule 1, of layout 1, `words` is the array itself. By rule 2 it is the array's SHA-256, 32 bytes,
which the row keeps beside the words: they can be erased, and the chain holds. Rule 2 holds from
the log's first `log_begun` event on, that event included.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

NUMBERS = (
    "sequence",
    "wall",
    "trusted",
    "monotonic",
    "visit",
    "score",
    "frames",
    "frame",
    "waited",
)
"""The columns of `event` that `numbers` is made of, in order."""

_NUMBERS_SQL = f"printf('{'%s|' * len(NUMBERS)}', {', '.join(NUMBERS)})"
"""The same in SQL, half as fast again as in Python; NULL prints as nothing."""


def origin_digest(
    gate: str, boot: str, version: str, model: str, config: str, threshold: int | None
) -> bytes:
    """The digest of an origin, 32 bytes."""
    text = json.dumps([gate, boot, version, model, config, threshold], ensure_ascii=False)
    return sha256(text.encode()).digest()


def numbers_text(numbers: Sequence[int | None]) -> str:
    """A row's integers, in the order of `NUMBERS`."""
    return "".join("|" if number is None else f"{number}|" for number in numbers)


def what_text(kind: str, reason: str, before: str, after: str) -> str:
    """Kind, reason and states of a row as text; an absent part is ''."""
    return f"{kind}|{reason}|{before}|{after}|"


def words_text(who: str | None, detail: str | None) -> str:
    """A row's free text."""
    if who is None and detail is None:
        return ""
    return json.dumps([who, detail], ensure_ascii=False)


def words_digest(who: str | None, detail: str | None) -> bytes | None:
    """The 32 bytes that stand for a row's free text by rule 2; None where there is none."""
    words = words_text(who, detail)
    return sha256(words.encode()).digest() if words else None


def row_digest(previous: bytes, origin: bytes, numbers: str, what: str, words: bytes) -> bytes:
    """A row's 32 bytes; `words` are the text itself by rule 1, its digest by rule 2."""
    return sha256(previous + origin + (numbers + what).encode() + words).digest()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a log's rows are followed by."""

    second: int
    """Sequence number of the first event that follows rule 2; one past the end where none does."""
    erased: frozenset[int] = frozenset()
    """Events of which a later one says that their words were erased."""


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: after this event, with this digest."""

    sequence: int
    digest: bytes


START = Link(0, bytes(32))
"""The link before the first event of a log."""

_WALK = f"""
    SELECT origin, what, sequence, {_NUMBERS_SQL}, who, detail, digest FROM event
    WHERE sequence > ? AND sequence <= ? ORDER BY sequence"""
_WALK_2 = _WALK.replace("digest FROM", "words, digest FROM")


def walk(connection: sqlite3.Connection, after: Link, until: int, rules: Rules) -> Link:
    """Follow the chain from a link up to the event `until`; the last link that holds.

    Where it stops early, the next event doesn't follow from that link. The loops read ten million
    rows, hence the bare cursor, the bytes, and no call but the hash.
    """
    factory, connection.text_factory = connection.text_factory, bytes
    try:
        whats = _texts(connection, "what", "kind, reason, before, after", what_text)
        origins = _texts(
            connection, "origin", "gate, boot, version, model, config, threshold", origin_digest
        )
        border = min(until, rules.second - 1)
        if after.sequence < border:
            after = _walk_1(
                connection.execute(_WALK, (after.sequence, border)), after, whats, origins
            )
            if after.sequence < border:
                return after
        if after.sequence < until:
            rows = connection.execute(_WALK_2, (after.sequence, until))
            after = _walk_2(rows, after, whats, origins, rules.erased)
        return after
    finally:
        connection.text_factory = factory


def _walk_1(
    rows: Iterable[Any], after: Link, whats: dict[int, bytes], origins: dict[int, bytes]
) -> Link:
    last, previous = after.sequence, after.digest
    try:
        for origin, what, sequence, numbers, who, detail, digest in rows:
            line = origins[origin] + numbers + whats[what]
            if who is not None or detail is not None:
                line += words_text(_text(who), _text(detail)).encode()
            if sha256(previous + line).digest() != digest:
                break
            last, previous = sequence, digest
    except (KeyError, TypeError, ValueError):  # a value of a kind that the gate never writes
        pass
    return Link(last, previous)


def _walk_2(
    rows: Iterable[Any],
    after: Link,
    whats: dict[int, bytes],
    origins: dict[int, bytes],
    erased: frozenset[int],
) -> Link:
    last, previous = after.sequence, after.digest
    try:
        for origin, what, sequence, numbers, who, detail, words, digest in rows:
            line = origins[origin] + numbers + whats[what]
            if words is not None:
                if who is None and detail is None:
                    if sequence not in erased:
                        break
                elif words_digest(_text(who), _text(detail)) != words:
                    break
                line += words
            elif who is not None or detail is not None:
                break
            if sha256(previous + line).digest() != digest:
                break
            last, previous = sequence, digest
    except (KeyError, TypeError, ValueError):
        pass
    return Link(last, previous)


def _texts(
    connection: sqlite3.Connection, table: str, columns: str, make: Callable[..., str | bytes]
) -> dict[int, bytes]:
    """The part that each row of a shared table has in a digest."""
    texts: dict[int, bytes] = {}
    for key, *parts in connection.execute(f"SELECT id, {columns} FROM {table}"):
        try:
            made = make(*map(_text, parts))
        except (TypeError, ValueError):  # no row that refers to it can hold
            continue
        texts[key] = made.encode() if isinstance(made, str) else made
    return texts


def _text(value: object) -> Any:
    """A value as it was written; bytes that aren't UTF-8 (the gate writes none) are marked."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
