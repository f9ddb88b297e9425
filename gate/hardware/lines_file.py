"""The output lines in force, written down at the start for whoever finds them left driven.

The file ``lines.json`` has what drives the pins and, for each line, its name, GPIO number, which
level is on, and whether it is on in its safe position and in an emergency::

    {"version": 1, "pin_factory": "lgpio", "lines": [{"name": "gate", "pin": 17,
     "active_high": true, "rests_on": false, "emergency_on": true}]}

It lies in the runtime folder (memory: true for this boot, whatever the card does) and in the state
folder. The settings' file may have been edited since the start; this one says what was claimed.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gate.errors import RelayError
from gate.hardware.output_lines import OutputLine
from gate.system import durable

log = logging.getLogger(__name__)

NAME = "lines.json"
VERSION = 1
SIZE_LIMIT = 64 * 1024
"""Bytes; a Pi has 28 lines."""
PINS = range(28)
_KINDS = {"name": str, "pin": int, "active_high": bool, "rests_on": bool, "emergency_on": bool}


@dataclass(frozen=True, slots=True)
class LinesInForce:
    """What was claimed, and through which pin factory (its configured name)."""

    pin_factory: str
    lines: tuple[OutputLine, ...]

    def as_json(self) -> str:
        """As the file has it."""
        lines = [asdict(line) for line in self.lines]
        return json.dumps({"version": VERSION, "pin_factory": self.pin_factory, "lines": lines})


def folders(
    socket: Path | None, log_file: Path, environ: Mapping[str, str] = os.environ
) -> list[Path]:
    """Where a gate keeps the file: the runtime folder, then the state folder beside the log."""
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    found = [Path(runtime)] if runtime else [] if socket is None else [socket.parent]
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]  # what safe-state looks into
    return list(dict.fromkeys([*found, log_file.parent, *([Path(state)] if state else [])]))


def write(places: Iterable[Path], in_force: LinesInForce) -> int:
    """Write the file into each folder, and say how many there are that took it.

    One that refuses is logged, and no reason not to start.
    """
    data = in_force.as_json().encode()
    written = 0
    for folder in places:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            durable.write(folder / NAME, data, mode=durable.PRIVATE)
            durable.as_its_folder(folder / NAME)
            written += 1
        except OSError as error:
            log.warning("%s: cannot be written: %s", folder / NAME, error.strerror)
    return written


def read(folder: Path) -> LinesInForce | None:
    """What the folder's file says; None where there is none. Raises `RelayError` if damaged."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RelayError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return parse(data)
    except RelayError as error:
        raise RelayError(f"{path}: {error}") from None


def parse(data: bytes) -> LinesInForce:
    """The lines that a file's bytes say. Raises `RelayError` if `write` did not write them."""
    try:
        if len(data) > SIZE_LIMIT:
            raise ValueError("too long")
        content = json.loads(data)
        if content["version"] != VERSION:
            raise ValueError("of another version")
        factory = content["pin_factory"]
        if not isinstance(factory, str):
            raise TypeError("no pin factory")
        return LinesInForce(factory, tuple(_lines(content["lines"])))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RelayError(f"is damaged: {type(error).__name__}: {error}"[:200]) from None


def _lines(entries: Iterable[Any]) -> Iterator[OutputLine]:
    for entry in entries:
        for name, kind in _KINDS.items():
            if type(entry[name]) is not kind:
                raise TypeError(f"'{name}' is no {kind.__name__}")
        if entry["pin"] not in PINS:
            raise ValueError("no GPIO number of a Pi")
        yield OutputLine(**{name: entry[name] for name in _KINDS})
