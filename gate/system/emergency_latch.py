"""An emergency that nobody has cleared yet, in a file that outlives the process and the power.

The file ``emergency.json`` is there while the emergency lasts: ``{"version": 1, "since": "…",
"why": "…"}``. Its being there counts, whatever is in it: one that was damaged is an emergency too.
It lies in the runtime folder (memory) and in the state folder, so that a card which cannot be
written, or a boot, does not end the emergency.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from gate.system import durable

log = logging.getLogger(__name__)

NAME = "emergency.json"
VERSION = 1


class EmergencyLatch:
    """The file in the folders of one gate."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._paths = [folder / NAME for folder in places]

    @property
    def in_memory(self) -> EmergencyLatch:
        """The part of it that costs no time: the runtime folder, where there is one."""
        return EmergencyLatch(path.parent for path in self._paths[:-1][:1])

    @property
    def on_card(self) -> EmergencyLatch:
        """The part of it that a card may hold up: the other folders."""
        return EmergencyLatch(path.parent for path in self._paths[len(self._paths[:-1][:1]) :])

    def set(self, why: str) -> bool:
        """Write the file wherever it is missing; whether it is now anywhere. Never raises."""
        content = {"version": VERSION, "since": datetime.now(UTC).isoformat(), "why": why}
        data = (json.dumps(content) + "\n").encode()
        for path in self._paths:
            try:
                if not path.exists():
                    durable.write(path, data, mode=durable.PRIVATE)
                    durable.as_its_folder(path)
            except OSError as error:
                log.error("%s: cannot be written: %s", path, error.strerror)
        return self.is_set()

    def clear(self) -> None:
        """Remove the file everywhere. Raises OSError where one stays; the others are gone then."""
        failures = []
        for path in self._paths:
            try:
                if path.exists():
                    path.unlink(missing_ok=True)
                    durable.sync_folder(path.parent)
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def is_set(self) -> bool:
        """Whether there is an emergency: the file is there, or nobody can say that it is not."""
        return any(_may_be_there(path) for path in self._paths)


def _may_be_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        log.error("%s: cannot be looked at, so it counts: %s", path, error.strerror)
    return True
