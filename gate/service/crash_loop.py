"""Unclean ends that follow each other: the lane stays shut until a run has proven good."""

from __future__ import annotations

from typing import Protocol


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


class CrashLoop:
    """After several unclean ends the lane stays shut until this run has proven good."""

    def __init__(self, limits: CrashLimits, now: float) -> None:
        self.limits = limits
        """A reload may replace them: how long a run must last is looked at again and again."""
        self._begun = now
        self._unclean = 0
        self.suspected = False

    def learn(self, unclean: int, now: float) -> bool:
        """Take in how many runs ended uncleanly; whether the lane has to be shut for it."""
        self._unclean = unclean
        self.suspected = (
            unclean >= self.limits.crash_starts and now - self._begun < self.limits.healthy_after_s
        )
        return self.suspected

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
