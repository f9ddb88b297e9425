"""How the daemon is: its watchdog, its clock, its last starts."""

from __future__ import annotations

import logging
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gate.domain import EventKind, Reason
from gate.gauges import Window
from gate.status import Watchdog
from gate.store import Store
from gate.systemd import Notifier
from gate.table import Lane

log = logging.getLogger(__name__)

CLOCK_JUMP_S = 2.0
"""A wall clock that moved this much against monotonic time was set, not slewed."""
STATUS_S = 1.0
"""How often the service manager is told the state."""


class Report:
    """Tells the service manager: ready once a frame was judged, alive as long as this is true.

    Alive means that frames are being judged, or that the lane is openly at fault and retrying.
    """

    def __init__(self, notifier: Notifier, now: float) -> None:
        self._notifier = notifier
        self._silences = Window(now)
        self._ready = False
        self._pinged_at = self._told_at = float("-inf")

    def watchdog(self, now: float) -> Watchdog:
        """The service manager's patience, and what the last ten seconds left of it."""
        limit = self._notifier.watchdog_s
        if not limit or not self._ready:
            return Watchdog(limit, None)
        silence = max(self._silences.worst(now) or 0.0, now - self._pinged_at)
        return Watchdog(limit, limit - silence)

    @property
    def pinged_at(self) -> float | None:
        """When the watchdog was last told that all is well; None where it never was."""
        return self._pinged_at if math.isfinite(self._pinged_at) else None

    def reloading(self) -> None:
        """A reload begins; `reloaded` ends it."""
        if self._ready:
            self._notifier.reloading()

    def reloaded(self) -> None:
        """The reload is over, whether it was refused or not."""
        if self._ready:
            self._notifier.ready()

    def turn(self, lane: Lane, now: float, *, well: bool) -> None:
        """The loop turned; ``well``: it sees fresh pictures, or is openly at fault and tries."""
        if well and not self._ready:
            self._ready = True
            self._notifier.ready()
        pause = self._notifier.watchdog_s / 4
        if self._ready and well and pause and now - self._pinged_at >= pause:
            if math.isfinite(self._pinged_at):
                self._silences.add(now, now - self._pinged_at)
            self._pinged_at = now
            self._notifier.alive()
        if now - self._told_at >= STATUS_S:
            self._told_at = now
            why = ", ".join(part for part, _ in lane.faults)
            self._notifier.status(f"{lane.state}{f' ({why})' if why else ''}")


class ClockWatch:
    """Notices when somebody sets the clock on the wall."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def jumped(self) -> bool:
        """Whether the clock was set since the last call."""
        before, self._offset = self._offset, time.time() - time.monotonic()
        moved = self._offset - before
        if abs(moved) > CLOCK_JUMP_S:
            log.warning("the wall clock moved by %.0f s", moved)
            return True
        return False


class CrashLimits(Protocol):
    """When starts are suspicious."""

    @property
    def crash_starts(self) -> int:
        """So many unclean ends are too many."""

    @property
    def crash_window_s(self) -> float:
        """Only ends within this time count, s."""

    @property
    def healthy_after_s(self) -> float:
        """A run that lasts this long is good, s."""


def crashes(store: Store, window_s: float) -> int:
    """How many runs ended uncleanly in the last ``window_s`` seconds.

    Those before an operator's word that the gate is good do not count.
    """
    since = datetime.now(UTC) - timedelta(seconds=window_s)
    count = 0
    for record in store.records(since=since, event=(EventKind.UNCLEAN_END, EventKind.RECOVERED)):
        event = record.event
        if event.kind is EventKind.UNCLEAN_END:
            count += 1
        elif event.reason is Reason.FAULT_CRASH_LOOP and event.who is not None:
            count = 0
    return count


class CrashLoop:
    """After several unclean ends the lane stays shut until this run has proven good."""

    def __init__(self, unclean: int, limits: CrashLimits, now: float) -> None:
        self.suspected = unclean >= limits.crash_starts
        self.detail = (
            f"{unclean} unclean ends within {limits.crash_window_s:g} s;"
            f" the lane opens after {limits.healthy_after_s:g} s of good running"
        )
        self._until = now + limits.healthy_after_s

    def clear(self) -> None:
        """An operator says that it is good: no more waiting."""
        self.suspected = False

    def over(self, now: float) -> bool:
        """Whether this run was suspected and has now lasted long enough; True once."""
        if self.suspected and now >= self._until:
            self.suspected = False
            return True
        return False
