"""Small files beside the log, for facts that must be known even if the log is damaged.

They are named after it: ``audit.db`` has ``audit.NAME.json``. None of them is evidence. Only their
owner may read them: the settings have the camera's address in full.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from gate.system import durable

log = logging.getLogger(__name__)

SIZE_LIMIT = 256 * 1024
"""Bytes; the largest, the settings of a gate with every section filled, has some 20 kB."""


def write(log_file: Path, name: str, content: dict[str, Any], *, sync: bool = True) -> str | None:
    """Have the file say this, also after a power cut; returns why it does not, where it does not.

    A card that refuses is warned of. Without `sync` a power cut may leave what it said before: for
    what is written again and again.
    """
    place = _place(log_file, name)
    data = (json.dumps(content, indent=1) + "\n").encode()
    try:
        if place.exists() and place.read_bytes() == data:
            if place.stat().st_mode & 0o077:  # from a program that left it open to others
                place.chmod(durable.PRIVATE)
            return None
        durable.write(place, data, mode=durable.PRIVATE, sync=sync)
        durable.as_its_folder(place)
    except OSError as error:
        log.warning("cannot write %s: %s", place, error.strerror)
        return f"{place} can't be written: {error.strerror}"
    return None


def read(log_file: Path, name: str) -> dict[str, Any] | None:
    """The content of the file; None if there is no file, {} if it can't be understood."""
    return read_file(_place(log_file, name))


def read_file(place: Path) -> dict[str, Any] | None:
    """As `read`, of a file that was found otherwise."""
    try:
        with place.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
        content = json.loads(data) if len(data) <= SIZE_LIMIT else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("cannot understand %s: %s", place, error)
        return {}
    return content if isinstance(content, dict) else {}


def remove(log_file: Path, name: str) -> None:
    """Remove the file, if there is one; a failure is only logged."""
    place = _place(log_file, name)
    try:
        place.unlink(missing_ok=True)
        durable.sync_folder(place.parent)
    except OSError as error:
        log.warning("cannot remove %s: %s", place, error.strerror)


def _place(log_file: Path, name: str) -> Path:
    return log_file.with_suffix(f".{name}.json")
