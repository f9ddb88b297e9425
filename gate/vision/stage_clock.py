"""How long the stages of a frame take: measured in one place, for the metrics and the benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StageClock:
    """Times the stages of one frame after the other.

    ``clock`` gives seconds from any beginning: `time.perf_counter` for how long a frame takes,
    `time.thread_time` for what it costs.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.spent: dict[str, float] = {}
        """What the last frame took, s, by stage."""

    def begin(self) -> None:
        """Begin another frame."""
        self.spent = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Measure what is done within ``with``; a stage that raises took no time."""
        began = self._clock()
        yield
        self.spent[stage] = self._clock() - began
