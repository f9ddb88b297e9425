"""What is measured while the gate runs: rates, times and silences of the last ten seconds."""

from __future__ import annotations

from collections import deque

WINDOW_S = 10.0


class RollingWindow:
    """Values of the last `WINDOW_S` seconds. Only one thread may use it."""

    def __init__(self, now: float) -> None:
        self._begun = now
        self._values: deque[tuple[float, float]] = deque()

    def add(self, now: float, value: float = 1.0) -> None:
        """A value came in."""
        self._values.append((now, value))
        self._forget(now)

    def rate(self, now: float) -> float:
        """How many came a second."""
        self._forget(now)
        span = min(now - self._begun, WINDOW_S)
        return len(self._values) / span if span > 0 else 0.0

    def mean(self, now: float) -> float | None:
        """Their mean; None for none."""
        self._forget(now)
        values = [value for _, value in self._values]
        return sum(values) / len(values) if values else None

    def worst(self, now: float) -> float | None:
        """The largest; None for none."""
        self._forget(now)
        return max((value for _, value in self._values), default=None)

    def _forget(self, now: float) -> None:
        while self._values and now - self._values[0][0] > WINDOW_S:
            self._values.popleft()
