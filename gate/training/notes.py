"""Notes on the faces of a set: who it is, what the face does, in a table beside the set's folder.

``labels.csv`` in the folder that holds the set has a line for each face: ``set`` and ``path``
(``SET/CLASS/FILE``), and, where known, ``person``, ``sex``, ``age``, ``race``, ``glasses`` and
``attrs``, which are ``name=value`` pairs: CelebA's attributes, FER+'s votes, or an expression. A
set without a table has no notes, and every face of it counts as another person.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLE = "labels.csv"
MOUTH_OPEN, MOUTH_CLOSED = "mouth open", "mouth closed"
"""Cells of a class: what the mouth does, which is not to be taken for a smile."""
SHARES = {
    (MOUTH_OPEN, 0): 4.0,
    (MOUTH_CLOSED, 0): 1.5,
    (MOUTH_OPEN, 1): 2.0,
    (MOUTH_CLOSED, 1): 3.0,
}
"""Parts that the cells of a class have in its weight, by (cell, label).

Most smiles show teeth and most other faces have closed lips, so that a network learns the open
mouth. These parts turn that round: who talks is seen more often than who is silent, and who smiles
with closed lips more often than who laughs.
"""
STRONG = ("surprise", "fear", "anger", "disgust")
"""FER+'s votes for faces whose mouth is likely to be open, or its teeth bared."""
OPENING = frozenset({"yawn"})
"""Expressions with an open mouth."""
HANDED = (("glasses", {"0": "no glasses", "1": "glasses"}), ("sex", {"F": "female", "M": "male"}))


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of one face."""

    person: str = ""
    cell: str = ""
    """What the mouth does, if that is known: `MOUTH_OPEN` or `MOUTH_CLOSED`."""
    traits: Mapping[str, str] = field(default_factory=dict)
    """Trait → group, such as ``sex`` → ``female``."""
    narrow_eyes: bool = False


NOTHING = Note()


def of(folder: Path) -> dict[str, Note]:
    """Return the note on each face of a set by its key, ``CLASS/FILE``; empty without a table.

    Raise `PictureError` where the table can't be read.
    """
    path = folder.parent / TABLE
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.DictReader(file) if line["set"] == folder.name]
            return {line["path"].partition("/")[2]: _note(line) for line in lines}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError):
        raise PictureError(
            f"{path}: no table of faces that can be read; it needs the columns set and path"
        ) from None


def cell_share(cell: str, label: int) -> float:
    """Return the part of a cell in the weight of its class."""
    return SHARES.get((cell, label), 1.0)


def _note(line: Mapping[str, str]) -> Note:
    attributes = dict(
        pair.split("=", 1) for pair in (line.get("attrs") or "").split(";") if "=" in pair
    )
    cell = _cell(attributes)
    traits = {name: words[line[name]] for name, words in HANDED if line.get(name) in words}
    traits |= {name: line[name] for name in ("age", "race") if line.get(name)}
    if "No_Beard" in attributes:
        traits["beard"] = "beard" if attributes["No_Beard"] == "0" else "no beard"
    if cell:
        traits["mouth"] = cell
    narrow = attributes.get("Narrow_Eyes") == "1"
    return Note(line.get("person") or "", cell, traits, narrow)


def _cell(attributes: Mapping[str, str]) -> str:
    if "Mouth_Slightly_Open" in attributes:
        return MOUTH_OPEN if attributes["Mouth_Slightly_Open"] == "1" else MOUTH_CLOSED
    if "expr" in attributes:
        return MOUTH_OPEN if attributes["expr"] in OPENING else ""
    votes = {name: _number(value) for name, value in attributes.items() if name != "smile"}
    if not votes or max(votes, key=lambda name: votes[name]) == "happiness":
        return ""
    strong = sum(votes.get(name, 0.0) for name in STRONG)
    return MOUTH_OPEN if 2 * strong > sum(votes.values()) else MOUTH_CLOSED


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
