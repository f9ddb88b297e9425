"""The hash chain: each row's digest covers the row's meaning and the digest of the row before it.

    digest = SHA-256(previous digest ‖ origin digest ‖ numbers ‖ what ‖ words)

`numbers` are the row's integers in decimal, each followed by ``|``, an absent one empty; `what` is
kind, reason, state before and after, each followed by ``|``; `words` is the JSON array ``[who,
detail]``, or nothing where both are absent; `origin digest` is the SHA-256 of the origin's JSON
array. All text is UTF-8. The ids of the shared rows aren't part of it, so an export can be checked
without the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

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

NUMBERS_SQL = "||'|'||".join(
    name if name in ("sequence", "wall", "trusted", "monotonic") else f"ifnull({name},'')"
    for name in NUMBERS
)
"""The same, put together by SQLite, which is what makes `verify` fast; it lacks the last ``|``."""


def origin_digest(
    gate: str, boot: str, version: str, model: str, config: str, threshold: int | None
) -> bytes:
    """The 32 bytes that stand for an origin."""
    text = json.dumps([gate, boot, version, model, config, threshold], ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def numbers_text(numbers: Sequence[int | None]) -> str:
    """A row's integers, in the order of `NUMBERS`."""
    return "".join("|" if number is None else f"{number}|" for number in numbers)


def what_text(kind: str, reason: str, before: str, after: str) -> str:
    """What happened, absent parts being ''."""
    return f"{kind}|{reason}|{before}|{after}|"


def words_text(who: str | None, detail: str | None) -> str:
    """A row's free text."""
    if who is None and detail is None:
        return ""
    return json.dumps([who, detail], ensure_ascii=False)


def row_digest(previous: bytes, origin: bytes, numbers: str, what: str, words: str) -> bytes:
    """A row's 32 bytes."""
    return hashlib.sha256(previous + origin + (numbers + what + words).encode()).digest()
