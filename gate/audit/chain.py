"""The hash chain: each row's digest covers the row's meaning and the digest of the row before it.

    digest = SHA-256(previous digest ‖ origin digest ‖ numbers ‖ what ‖ words)

`numbers` are the row's integers in decimal, each followed by ``|``, an absent one empty; `what` is
kind, reason, state before and after, each followed by ``|``; `words` is the JSON array ``[who,
detail]``, or nothing where both are absent; `origin digest` is the SHA-256 of the origin's JSON
array. All text is UTF-8. The ids of the shared rows aren't part of it, so an export can be checked
without the database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
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


def row_digest(previous: bytes, origin: bytes, numbers: str, what: str, words: str) -> bytes:
    """The digest of a row, 32 bytes."""
    return sha256(previous + origin + (numbers + what + words).encode()).digest()


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


def walk(connection: sqlite3.Connection, after: Link, until: int) -> Link:
    """Follow the chain from a link up to the event `until`; the last link that holds.

    If it stops early, the next event doesn't follow from that link. This loop reads ten million
    rows; hence the bare cursor, the bytes, and no call but the hash.
    """
    factory, connection.text_factory = connection.text_factory, bytes
    try:
        whats = _texts(connection, "what", "kind, reason, before, after", what_text)
        origins = _texts(
            connection, "origin", "gate, boot, version, model, config, threshold", origin_digest
        )
        last, previous = after.sequence, after.digest
        rows = connection.execute(_WALK, (after.sequence, until))
        for origin, what, sequence, numbers, who, detail, digest in rows:
            try:
                line = origins[origin] + numbers + whats[what]
            except KeyError:
                break
            words = (
                b""
                if who is None and detail is None
                else words_text(_text(who), _text(detail)).encode()
            )
            if sha256(previous + line + words).digest() != digest:
                break
            last, previous = sequence, digest
        return Link(last, previous)
    finally:
        connection.text_factory = factory


def _texts(
    connection: sqlite3.Connection, table: str, columns: str, make: Callable[..., str | bytes]
) -> dict[int, bytes]:
    """The part that each row of a shared table has in a digest."""
    texts: dict[int, bytes] = {}
    for key, *parts in connection.execute(f"SELECT id, {columns} FROM {table}"):
        made = make(*map(_text, parts))
        texts[key] = made.encode() if isinstance(made, str) else made
    return texts


def _text(value: object) -> Any:
    """A value as it was written; bytes that aren't UTF-8 (the gate writes none) are marked."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
