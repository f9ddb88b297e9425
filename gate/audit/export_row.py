"""An event as one flat row, with all that its digest covers: for exports and salvaged logs.

`previous` is the digest of the event before it, so that each row can be checked on its own, and
rows that follow one another show that none is missing between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gate.audit import chain
from gate.audit.rows import moment

_ORIGIN = ("gate", "boot", "version", "model", "config", "threshold")
_WHAT = ("kind", "reason", "before", "after")
_WORDS = ("who", "detail")
COLUMNS: dict[str, type] = {
    "sequence": int,
    "time": str,
    **dict.fromkeys(chain.NUMBERS[1:], int),
    **dict.fromkeys((*_WHAT, *_WORDS, *_ORIGIN[:-1]), str),
    "threshold": int,
    "rule": int,
    "words": str,
    "previous": str,
    "digest": str,
}
"""The columns of an export. `time` (UTC) is for people; units: see `gate.audit.schema`.

`rule` says how the digest was made (`gate.audit.chain`), `words` is rule 2's digest of the words.
"""
COLUMNS_1 = {name: kind for name, kind in COLUMNS.items() if name not in ("rule", "words")}
"""The columns of an export that smile-gate 0.1.0 made: all its rows are by rule 1."""

Flat = dict[str, Any]


def flat(row: Mapping[str, Any], previous: bytes | None, rule: int) -> Flat:
    """The flat row of a row of `event` joined with its `what` and `origin`."""
    parts = {name: row[name] for name in (*chain.NUMBERS, *_WHAT, *_WORDS, *_ORIGIN)}
    return {
        **dict.fromkeys(COLUMNS),
        **parts,
        "time": moment(row["wall"]).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "rule": rule,
        "words": None if row["words"] is None else row["words"].hex(),
        "previous": None if previous is None else previous.hex(),
        "digest": row["digest"].hex(),
    }


def holds(row: Flat) -> bool:
    """Whether the digest covers what stands in the row, `time` included.

    Of erased words it covers the digest only: see `erased`.
    """
    try:
        wall, previous = moment(row["wall"]), _bytes(row["previous"] or "")
        time = wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        digest = chain.row_digest(
            previous,
            chain.origin_digest(*(row[name] for name in _ORIGIN)),
            chain.numbers_text([row[name] for name in chain.NUMBERS]),
            chain.what_text(*(row[name] or "" for name in _WHAT)),
            _words(row),
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return (time, digest.hex()) == (row["time"], row["digest"])


def erased(row: Flat) -> bool:
    """Whether the row's words were erased."""
    return row["who"] is None and row["detail"] is None and row.get("words") is not None


def _words(row: Flat) -> bytes:
    """The words as they enter the digest.

    Raises ValueError where the words aren't those of their digest.
    """
    if row.get("rule", 1) == 1 and row.get("words") is None:
        return chain.words_text(row["who"], row["detail"]).encode()
    kept = None if row["words"] is None else _bytes(row["words"])
    true = erased(row) or kept == chain.words_digest(row["who"], row["detail"])
    if row["rule"] != 2 or not true:
        raise ValueError("the words aren't those of their digest")
    return kept or b""


def _bytes(text: str) -> bytes:
    """The bytes of a hex text as gates write it. Raises ValueError, TypeError."""
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise ValueError("hex in another spelling")
    return value


def from_text(name: str, text: str) -> Any:
    """A value of a CSV file in its own type; an empty one is absent.

    Raises ValueError, also for a number that is spelt as no gate writes it (``007``, ``1_000``).
    """
    if text == "":
        return "" if name in (*_WHAT, *_ORIGIN[:-1]) else None
    read: Callable[[str], Any] = COLUMNS[name]
    value = read(text)
    if str(value) != text:
        raise ValueError(f"{name}: {text[:40]!r} is spelt as no gate writes it")
    return value
