"""What happens by the clock on the wall: opening hours, by the loop, and housekeeping."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from gate.core.opening_hours import Span, is_open, next_change

log = logging.getLogger(__name__)

LATE_S = 60
"""A job that is this late (a stalled machine) is still run."""
LOOK_S = 1.0
"""How often the loop looks at the hours, and has a thread tried again that could not be started."""


class Jobs:
    """The daemon's calendar.

    ``on_hours`` is called with True or False when the lane is to open or to close. It is told once
    at `start`, and at each edge of the hours by `supervise`, whatever became of the clock. The rest
    is APScheduler's, in threads of its own.
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
        self._works: list[tuple[str, dict[str, int], Callable[[], None]]] = []
        self._scheduler: BackgroundScheduler | None = None
        self._begun = self._closed = False
        self._looked_at = float("-inf")

    def add(self, name: str, every: dict[str, int], work: Callable[[], None]) -> None:
        """Run ``work`` again and again; ``every`` is a cron pattern such as ``{"hour": 3}``.

        To be said before `arm` or `start`.
        """
        self._works.append((name, every, work))

    def arm(self) -> None:
        """Do what a start takes: a look, the next runs, the thread. It tells nothing."""
        is_open(self._hours, self._now(self._zone))
        self._schedule()

    def start(self) -> None:
        """Tell whether the lane is open now, and begin to watch the clock."""
        self._begun = True
        if self._scheduler is None:
            self.arm()
        if self._scheduler is not None:
            self._scheduler.resume()
        self.compare()

    def supervise(self, now: float) -> None:
        """Look at the hours, and after the thread; for each turn of the loop (monotonic, s)."""
        if not self._begun or self._closed or now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        self.compare()
        if self._scheduler is None:
            self._schedule()

    def compare(self) -> None:
        """Look at the clock, and tell if the hours say something else than before."""
        wanted = is_open(self._hours, self._now(self._zone))
        if wanted is not self._told:
            self._told = wanted
            self._on_hours(wanted)

    def clock_changed(self) -> None:
        """The wall clock jumped: look at the hours, and work out all next runs anew.

        APScheduler sleeps until the next run that it had worked out: after a clock that was set
        back by a year, the housekeeping would rest for a year.
        """
        for job in [] if self._scheduler is None else self._scheduler.get_jobs():
            job.reschedule(job.trigger)
        self.compare()

    def next_change(self) -> tuple[datetime, bool] | None:
        """When the hours change next, and whether they open the lane then; None for never."""
        return next_change(self._hours, self._now(self._zone), self._zone)

    def close(self) -> None:
        """Stop the clock; may be called twice."""
        self._closed = True
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=False)

    def _schedule(self) -> None:
        """Begin with the housekeeping; where no thread is left, `supervise` tries again."""
        options: dict[str, Any] = {"timezone": self._zone} if self._zone else {}
        scheduler = BackgroundScheduler(
            job_defaults={"coalesce": True, "misfire_grace_time": LATE_S, "max_instances": 1},
            daemon=True,
            **options,
        )
        for name, every, work in self._works:
            scheduler.add_job(work, "cron", id=name, **every)
        try:
            scheduler.start(paused=not self._begun)
        except RuntimeError as error:
            log.error("no thread for the nightly housekeeping, it is tried again: %s", error)
            return
        self._scheduler = scheduler
