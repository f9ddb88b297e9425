"""An emergency that nobody has cleared: no crash, restart or stop ends it.

The log says it: the newest event of the lane is in an emergency. Where the log could not be
written, the latch's files do (`gate.system.emergency_latch`). One of them is enough.
"""

from __future__ import annotations

from gate.audit import Store
from gate.core.domain import State

_RECENT = 100
"""Events that are looked at: those of nightly upkeep and of commands say nothing of the lane."""


def stands_in(store: Store) -> bool:
    """Whether the log ends in an emergency."""
    newest = store.records(limit=_RECENT, newest_first=True)
    states = (record.event.after for record in newest if record.event.after is not None)
    return next(states, None) is State.EMERGENCY
