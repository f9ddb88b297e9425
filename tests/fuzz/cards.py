"""Model cards: one that is used has finite numbers within limits; all else is one line."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

from gate.errors import ModelError
from gate.system import resources
from gate.vision.classifier import MAX_SIDE, Card
from tests.fuzz.target import Target, corpus, edited, expect_a_line, revalued


def check(folder: Path, data: bytes) -> None:
    """A card with usable facts, or one line that names it."""
    path = folder / "smile.json"
    path.write_bytes(data)
    try:
        card = Card.read(path)
    except ModelError as error:
        expect_a_line(error, f"{path}: ")
        return
    framing = card.framing
    assert all(map(isfinite, (framing.scale, framing.shift_x, framing.shift_y, card.threshold)))
    assert 0 < card.threshold < 1
    assert all(0 < side < MAX_SIDE for side in card.input_size)
    assert "".join((card.name, card.sha256, *card.labels)).isprintable()


SHIPPED = [resources.path(f"models/{name}.json").read_bytes() for name in ("smile", "eyes")]
SHORT = json.dumps({**json.loads(SHIPPED[0]), "measured": None}).encode()
WORDS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 2000, b"null", b"true"]
WORDS += [b"{}", b"[1, 1]", b'"\\ud800"', b'"\\n"', b"-1", b"0", b"\xff"]

CARDS = Target(
    "cards",
    "a model's card is refused in one line, or all its numbers are finite and within limits",
    200_000,
    edited([SHORT, *SHIPPED, *corpus("cards")], WORDS) | revalued([json.loads(SHORT)]),
    check,
)
