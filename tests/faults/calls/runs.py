"""All trials: counted by unharmed runs, then done by several processes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.faults.calls.targets import KINDS

SCENARIOS = (
    "start",
    "guest",
    "press",
    "pulse",
    "emergency",
    "reload",
    "stop",
    "stop-in-emergency",
)
WIRINGS = ("fail-secure", "fail-secure+lock", "fail-safe", "fail-safe+lock")
MODES = ("once", "on")
"""A call fails once, or it and all later ones: of a line, those of that line."""
ONLY_ON = ("log-full",)
"""A disk that is full stays full."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A call to fail; number 0 is for the unharmed run."""

    kind: str
    scenario: str
    wiring: str
    number: int
    mode: str

    def __str__(self) -> str:
        return ":".join(map(str, asdict(self).values()))

    @classmethod
    def named(cls, name: str) -> Trial:
        """The trial that `str` gives this name. Raises ValueError."""
        kind, scenario, wiring, number, mode = name.split(":")
        known = kind in KINDS and scenario in SCENARIOS and wiring in WIRINGS and mode in MODES
        if not known:
            raise ValueError(f"no such trial: {name}")
        return cls(kind, scenario, wiring, int(number), mode)


@dataclass(slots=True)
class Tally:
    """What came of the trials of one kind and scenario."""

    calls: int = 0
    failed: int = 0
    broken: int = 0


@dataclass(slots=True)
class Report:
    """What came of all of them."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    broken: list[tuple[Trial, list[str], str]] = field(default_factory=list)
    """Each trial in which a promise was broken: which ones, and what failed."""

    def take(self, trial: Trial, outcome: Any) -> None:
        """Note what came of a trial."""
        tally = self.tallies.setdefault((trial.kind, trial.scenario), Tally())
        tally.failed += bool(outcome.struck)
        broken = list(outcome.broken)
        if trial.number and not outcome.struck:
            broken.append("the call was not reached, unlike in the unharmed run")
        if broken:
            tally.broken += 1
            self.broken.append((trial, broken, outcome.struck))


def attempt(trial: Trial) -> Any:
    """Do a trial in a process that preloads failing.c."""
    from tests.faults.calls import trial as it  # it takes the place of the clocks
    from tests.faults.calls.targets import Failure
    from tests.faults.calls.wiring import VARIANTS

    failure = Failure(trial.kind, trial.number, trial.mode == "on") if trial.number else None
    return it.attempt(trial.scenario, VARIANTS[WIRINGS.index(trial.wiring)], failure)


@contextmanager
def workers(shim: Path, jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that preload the shim; what they start does not."""
    os.environ |= {"LD_PRELOAD": str(shim), "OPENBLAS_NUM_THREADS": "1"}
    try:
        with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
            yield pool
    finally:
        del os.environ["LD_PRELOAD"]


def _begin() -> None:
    del os.environ["LD_PRELOAD"]  # it is loaded here, and not for children
    from tests.faults.calls import trial

    trial.warm_up()


def count(
    pool: ProcessPoolExecutor, kinds: Iterable[str], scenarios: Iterable[str], report: Report
) -> Iterator[Trial]:
    """Run each scenario unharmed; give a trial for each call that it makes."""
    wanted = tuple(kinds)
    unharmed = [Trial("", scenario, wiring, 0, "") for scenario in scenarios for wiring in WIRINGS]
    for trial, outcome in zip(unharmed, pool.map(attempt, unharmed), strict=True):
        if outcome.broken:
            report.broken.append((trial, [*outcome.broken, outcome.said], ""))
            continue
        for kind in wanted:
            seen = outcome.seen[kind]
            if seen:
                key = (kind, trial.scenario)
                report.tallies.setdefault(key, Tally()).calls += seen
            for number in range(1, seen + 1):
                for mode in MODES:
                    if mode == "on" or kind not in ONLY_ON:
                        yield Trial(kind, trial.scenario, trial.wiring, number, mode)


def sample(trials: Sequence[Trial], share: int, seed: int) -> list[Trial]:
    """One in ``share`` of them, by the seed; each kind and scenario keeps at least one."""
    dice = random.Random(seed)
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.kind, trial.scenario), []).append(trial)
    return [
        one
        for group in groups.values()
        for one in dice.sample(group, max(1, round(len(group) / share)))
    ]


def carry_out(
    pool: ProcessPoolExecutor, trials: Iterable[Trial], report: Report, within_s: float | None
) -> Iterator[tuple[Trial, Any]]:
    """Do them, as many as there is time for; the report takes each."""
    waiting = {pool.submit(attempt, trial): trial for trial in trials}
    try:
        for done in as_completed(waiting, within_s):
            report.take(waiting[done], done.result())
            yield waiting[done], done.result()
    except TimeoutError:
        for future in waiting:
            future.cancel()
