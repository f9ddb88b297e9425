"""What is fuzzed: where its inputs come from, and what must hold for each of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
"""Inputs that are tried first and changed later; each was a finding once, or shows a form."""


@dataclass(frozen=True, slots=True)
class Target:
    """A way in for bytes that nobody of ours wrote."""

    name: str
    promise: str
    """What must hold for each input."""
    share: int
    """Inputs of it among a million."""
    inputs: st.SearchStrategy[bytes]
    check: Callable[[Path, bytes], None]
    """Takes an empty folder and an input; raises anything at all where the promise is broken."""


def corpus(name: str) -> list[bytes]:
    """The files that are kept for a target, by name."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def expect_a_line(error: Exception, begins: str = "") -> None:
    """What a person is told is one line, which begins with these words. Raises AssertionError."""
    said = str(error)
    assert said.startswith(begins), said
    assert "\n" not in said, said
    assert len(said) < 1000, said


def edited(originals: Sequence[bytes], words: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Originals with a few changes: bits turned, parts cut, doubled, moved, ``words`` put in."""
    pieces = st.binary(min_size=1, max_size=8)
    if words:
        pieces = pieces | st.sampled_from(list(words))

    @st.composite
    def one(draw: st.DrawFn) -> bytes:
        data = bytearray(draw(st.sampled_from(list(originals))))
        for _ in range(draw(st.integers(0, 5))):
            at = draw(st.integers(0, 2**16 - 1)) * len(data) >> 16
            size = draw(st.integers(1, 64))
            match draw(st.sampled_from(("turn", "put", "replace", "cut", "double", "end"))):
                case "turn" if data:
                    data[at] ^= 1 << size % 8
                case "put":
                    data[at:at] = draw(pieces)
                case "replace":
                    piece = draw(pieces)
                    data[at : at + len(piece)] = piece
                case "cut":
                    del data[at : at + size]
                case "double":
                    data[at:at] = data[at : at + size] * (1 + size % 5)
                case "end":
                    del data[at:]
        return bytes(data)

    return one()


HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, 2**31, 2**63, 2**64, 10**4000),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        "",
        "x",
        "x" * 300,
        "\ud800",
        "\0",
        "\n",
        "\u202e",
    ),
    *("1", "true", "-", "../x", "2026-05-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00"),
    *([], {}, [[]], [None], ["x", "x"], {"": 0}, [0] * 99),
)
"""Values that are of the wrong kind, at a limit, or beyond it."""


def revalued(originals: Sequence[Any], values: Sequence[Any] = HOSTILE) -> st.SearchStrategy[bytes]:
    """Objects as JSON, one to three of whose values (or whole parts) are others."""

    @st.composite
    def one(draw: st.DrawFn) -> bytes:
        whole = {"": copy.deepcopy(draw(st.sampled_from(list(originals))))}
        for _ in range(draw(st.integers(1, 3))):
            place: Any = whole
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                key = draw(st.sampled_from(keys))
                inside = place[key]
                if (
                    not isinstance(inside, dict | list)
                    or not inside
                    or draw(st.integers(0, 3)) == 0
                ):
                    break
                place = inside
            place[key] = copy.deepcopy(draw(st.sampled_from(list(values))))
        return json.dumps(whole[""]).encode()

    return one()
