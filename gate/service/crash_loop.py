"""Unclean ends that follow each other: the lane stays shut until a run has proven good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from gate.audit import Store
from gate.core.domain import EventKind, Reason


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
        self.limits = limits
        """A reload may replace them: how long a run must last is looked at again and again."""
        self._unclean = unclean
        self._begun = now

    @property
    def detail(self) -> str:
        """Why the lane is shut, and when it opens."""
        return (
            f"{self._unclean} unclean ends within {self.limits.crash_window_s:g} s;"
            f" the lane opens after {self.limits.healthy_after_s:g} s of good running"
        )

    def clear(self) -> None:
        """An operator says that it is good: no more waiting."""
        self.suspected = False

    def over(self, now: float) -> bool:
        """Whether this run was suspected and has now lasted long enough; True once."""
        if self.suspected and now - self._begun >= self.limits.healthy_after_s:
            self.suspected = False
            return True
        return False
