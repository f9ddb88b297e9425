"""What happens by the clock on the wall: opening hours, and housekeeping by APScheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from gate.core.opening_hours import Span, is_open, next_change

LATE_S = 60
"""A job that is this late (a stalled machine) is still run."""
LOOK_S = 1.0
"""How often the hours are compared with the clock."""


class Jobs:
    """The daemon's calendar.

    ``on_hours`` is called with True or False when the lane is to open or to close. The hours are
    compared with the clock again and again, not only at their edges: one that summer time skips, or
    that passes while the clock is set, is acted on all the same.
    """

    def __init__(
        self,
        hours: Sequence[Span],
        on_hours: Callable[[bool], None],
        *,
        zone: tzinfo | None = None,
        now: Callable[[tzinfo | None], datetime] = lambda zone: datetime.now(zone).astimezone(zone),
    ) -> None:
        self._hours = tuple(hours)
        self._on_hours = on_hours
        self._zone = zone
        self._now = now
        self._told: bool | None = None
        self._looked_at = -math.inf
        options: dict[str, Any] = {"timezone": zone} if zone else {}
        self._scheduler = BackgroundScheduler(
            job_defaults={"coalesce": True, "misfire_grace_time": LATE_S, "max_instances": 1},
            daemon=True,
            **options,
        )

    def add(self, name: str, every: dict[str, int], work: Callable[[], None]) -> None:
        """Run ``work`` again and again; ``every`` is a cron pattern such as ``{"hour": 3}``."""
        self._scheduler.add_job(work, "cron", id=name, **every)

    def arm(self) -> None:
        """Do all of a start that can fail: a look, the next runs, the thread. It tells nothing."""
        is_open(self._hours, self._now(self._zone))
        self._scheduler.start(paused=True)

    def start(self) -> None:
        """Tell whether the lane is open now, and begin with the housekeeping."""
        if not self._scheduler.running:
            self.arm()
        self.compare()
        self._scheduler.resume()

    def look_after(self, now: float) -> None:
        """Compare the hours with the clock if it is time to; ``now`` is monotonic, s."""
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self.compare()

    def compare(self) -> None:
        """Look at the clock, and tell if the hours say something else than before."""
        wanted = is_open(self._hours, self._now(self._zone))
        if wanted is not self._told:
            self._told = wanted
            self._on_hours(wanted)

    def clock_changed(self) -> None:
        """The wall clock jumped: look at the hours, and work out all next runs anew.

        APScheduler sleeps until the next run that it had worked out: a clock that was set back by
        a year would leave the log without upkeep for a year.
        """
        for job in self._scheduler.get_jobs():
            job.reschedule(job.trigger)
        self.compare()

    def next_change(self) -> tuple[datetime, bool] | None:
        """When the hours change next, and whether they open the lane then; None for never."""
        return next_change(self._hours, self._now(self._zone), self._zone)

    def close(self) -> None:
        """Stop the housekeeping; may be called twice."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
