"""An emergency that nobody has cleared: no crash, restart or stop ends it.

The log says it: the newest event of the lane is in an emergency. Where the log could not be
written, a file beside it does. One of them is enough.
"""

from __future__ import annotations

from pathlib import Path

from gate.audit import Store, sidecar
from gate.core.domain import State

_NAME = "emergency"
_RECENT = 100
"""Events that are looked at: those of nightly upkeep and of commands say nothing of the lane."""


class EmergencyLatch:
    """The file beside the log."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file

    def set(self, why: str) -> None:
        """Remember an emergency."""
        sidecar.write(self._log_file, _NAME, {"why": why})

    def clear(self) -> None:
        """Remember that somebody cleared it."""
        sidecar.remove(self._log_file, _NAME)

    def is_set(self) -> bool:
        """Whether it stands; a file that can't be read counts."""
        return sidecar.read(self._log_file, _NAME) is not None


def stands_in(store: Store) -> bool:
    """Whether the log ends in an emergency."""
    newest = store.records(limit=_RECENT, newest_first=True)
    states = (record.event.after for record in newest if record.event.after is not None)
    return next(states, None) is State.EMERGENCY
