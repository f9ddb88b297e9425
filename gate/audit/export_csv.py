"""An event as a line of CSV: named and measured as `audit list --json` has it, and verifiable.

Nothing is lost: the numbers of the log come back exactly (scores are written to the millionth,
monotonic times to the microsecond), so that each line's digest can be checked. `time` is the local
time with its offset, for people; `wall` is the same moment in UTC.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO

from gate.audit.export_row import COLUMNS as LOG_COLUMNS
from gate.audit.export_row import Flat, from_text
from gate.audit.rows import milliseconds, moment

_LOG_NAMES = {"clock_trusted": "trusted", "event": "kind"}
"""Columns that the log names otherwise."""
_PLACES = {"score": 6, "threshold": 6, "monotonic": 6, "waited": 3}
"""Columns that the log has as whole numbers: by so many decimal places."""
_TRUTH = {0: "false", 1: "true"}
COLUMNS = (
    *("sequence", "time", "wall", "clock_trusted", "event", "reason", "visit", "before", "after"),
    *("score", "frames", "frame", "waited", "who", "detail"),
    *("gate", "boot", "version", "model", "config", "threshold", "monotonic"),
    *("rule", "words", "previous", "digest"),
)
"""The columns, in order. Seconds: `waited`, `monotonic`; parts of one: `score`, `threshold`."""
BYTE_ORDER_MARK = "\ufeff"
"""What Excel wants at the beginning of a file whose letters are UTF-8."""


def write(file: TextIO, rows: Iterable[Flat], *, header: bool = True) -> Iterator[Flat]:
    """Write each row as a line and hand it on; first the names of the columns."""
    writer = csv.DictWriter(file, COLUMNS)
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow(line_of(row))
        yield row


def line_of(row: Flat) -> dict[str, Any]:
    """The cells of a row of the log; a value that only damage writes stays as it is."""
    return {name: _cell(name, row) for name in COLUMNS}


def _cell(name: str, row: Flat) -> Any:
    value = row[_LOG_NAMES.get(name, name)]
    if name in ("time", "wall"):
        return _time(row["wall"], local=name == "time")
    if type(value) is not int:
        return value
    if name == "clock_trusted":
        return _TRUTH.get(value, value)
    return _decimal(value, _PLACES[name]) if name in _PLACES else value


def _time(wall: Any, *, local: bool) -> Any:
    if type(wall) is not int:
        return wall
    at = moment(wall)
    if not local:
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        return at.astimezone().isoformat(timespec="milliseconds")
    except (OverflowError, OSError):  # the year 1 or 9999, which only tampering writes
        return at.isoformat(timespec="milliseconds")


def _decimal(number: int, places: int) -> str:
    whole = f"{Decimal(number).scaleb(-places):f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def row_of(line: Mapping[str, str]) -> Flat:
    """The row of the log that a line was made of; what no gate wrote stays as it is.

    Raises ValueError or KeyError where the line can't be one of these.
    """
    row = {name: _value(name, line[name]) for name in COLUMNS if name not in ("time", "wall")}
    row = {_LOG_NAMES.get(name, name): value for name, value in row.items()}
    row["sequence"] = from_text("sequence", line["sequence"])
    row["wall"], row["time"] = line["wall"], line["time"]
    try:
        utc, local = (datetime.fromisoformat(line[name]) for name in ("wall", "time"))
        wall = milliseconds(utc)
        spelt = local.isoformat(timespec="milliseconds"), _time(wall, local=False)
        if utc == local and spelt == (line["time"], line["wall"]):
            row["wall"], row["time"] = wall, spelt[1]
    except (TypeError, ValueError):  # no time, or without its offset
        pass
    return {name: row[name] for name in LOG_COLUMNS}


def _value(name: str, text: str) -> Any:
    if name == "clock_trusted":
        return {word: number for number, word in _TRUTH.items()}.get(text, text)
    if name in _PLACES and text:
        if not re.fullmatch(r"-?[0-9]{1,16}(\.[0-9]{1,9})?", text):
            return text
        number = Decimal(text).scaleb(_PLACES[name])
        whole = int(number)
        return whole if _decimal(whole, _PLACES[name]) == text else text
    try:
        return from_text(_LOG_NAMES.get(name, name), text)
    except ValueError:
        return text
