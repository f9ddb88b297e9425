"""What happens by the clock on the wall, through APScheduler: opening hours and housekeeping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from gate.core.opening_hours import Span, is_open

LATE_S = 60
"""A job that is this late (a stalled machine) is still run."""


class Jobs:
    """The daemon's calendar.

    ``on_hours`` is called with True or False when the lane is to open or to close. It is told once
    at `start`, at each edge of the hours, and after `clock_changed` if that made a difference.
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
        options: dict[str, Any] = {"timezone": zone} if zone else {}
        self._scheduler = BackgroundScheduler(
            job_defaults={"coalesce": True, "misfire_grace_time": LATE_S, "max_instances": 1},
            daemon=True,
            **options,
        )
        for number, span in enumerate(self._hours):
            for edge, at in (("opens", span.opens), ("closes", span.closes)):
                # Each day: a span past midnight closes on a day that it does not name.
                self._scheduler.add_job(
                    self.compare,
                    CronTrigger(hour=at.hour, minute=at.minute, second=at.second, **options),
                    id=f"hours-{number}-{edge}",
                )

    def add(self, name: str, every: dict[str, int], work: Callable[[], None]) -> None:
        """Run ``work`` again and again; ``every`` is a cron pattern such as ``{"hour": 3}``."""
        self._scheduler.add_job(work, "cron", id=name, **every)

    def arm(self) -> None:
        """Do all of a start that can fail: a look, the next runs, the thread. It tells nothing."""
        is_open(self._hours, self._now(self._zone))
        self._scheduler.start(paused=True)

    def start(self) -> None:
        """Tell whether the lane is open now, and begin to watch the clock."""
        if not self._scheduler.running:
            self.arm()
        self.compare()
        self._scheduler.resume()

    def compare(self) -> None:
        """Look at the clock, and tell if the hours say something else than before."""
        wanted = is_open(self._hours, self._now(self._zone))
        if wanted is not self._told:
            self._told = wanted
            self._on_hours(wanted)

    def clock_changed(self) -> None:
        """The wall clock jumped: work out the hours and all next runs anew.

        APScheduler sleeps until the next run that it had worked out: a clock that was set back by
        a year would keep the lane as it is for a year.
        """
        for job in self._scheduler.get_jobs():
            job.reschedule(job.trigger)
        self.compare()

    def next_change(self) -> tuple[datetime, bool] | None:
        """When the hours change next, and whether they open the lane then; None for never."""
        if not self._hours:
            return None
        now = self._now(self._zone)
        edges = sorted({edge for span in self._hours for edge in (span.opens, span.closes)})
        days = [now.date() + timedelta(days=number) for number in range(9)]
        is_open_now = is_open(self._hours, now)
        for day in days:
            for edge in edges:
                at = datetime.combine(day, edge, now.tzinfo)
                if at > now and is_open(self._hours, at) is not is_open_now:
                    return at, not is_open_now
        return None

    def close(self) -> None:
        """Stop the clock; may be called twice."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
