"""The newest events, kept for whoever asks how the gate is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from gate.core.describe import describe
from gate.core.domain import Event, Record
from gate.interfaces.status import RECENT, RecentEvent


class RecentEvents:
    """Begins with what the log knows of earlier runs. Only the loop's thread may call it."""

    def __init__(self, before: Iterable[Record]) -> None:
        """``before`` are those of earlier runs, oldest first."""
        self._newest = deque(((it.event, it.wall) for it in before), maxlen=RECENT)

    def add(self, event: Event) -> None:
        """An event was recorded."""
        self._newest.append((event, datetime.now(UTC)))

    def happenings(self, *, people: bool) -> tuple[RecentEvent, ...]:
        """The newest first; without ``people`` nobody is named, and no operator's words are told.

        How long ago is by the clock on the wall, as earlier runs are among them.
        """
        now = time.time()
        return tuple(
            RecentEvent(
                event.kind,
                wall,
                max(0.0, now - wall.timestamp()),
                describe(
                    event if people or not event.who else replace(event, who=None, detail=None)
                ),
            )
            for event, wall in reversed(self._newest)
        )
