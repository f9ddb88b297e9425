"""How the daemon is: its watchdog and its clock."""

from __future__ import annotations

import logging
import math
import time

from gate.core.transitions import Lane
from gate.interfaces.status import Watchdog
from gate.service.rolling_window import RollingWindow
from gate.system.systemd import Notifier

log = logging.getLogger(__name__)

CLOCK_JUMP_S = 2.0
"""A wall clock that moved this much against monotonic time was set, not slewed."""
STATUS_S = 1.0
"""How often the service manager is told the state."""


class ServiceReport:
    """Tells the service manager: ready once a frame was judged, alive as long as this is true.

    Alive means that frames are being judged, or that the lane is openly at fault and retrying.
    """

    def __init__(self, notifier: Notifier, now: float) -> None:
        self._notifier = notifier
        self._silences = RollingWindow(now)
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
