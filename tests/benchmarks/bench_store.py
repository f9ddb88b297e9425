"""How fast the log is at each size: ``python -m tests.benchmarks.bench_store --sizes 1e4 1e6``.

Prints, for each size, the bytes per event, the best time of each query in fifteen runs
(milliseconds; the first run is in brackets) and of the statistics, and the events verified per
second; then what a commit costs on the disk of ``--folder``, and what a day's traffic writes to
it. A log of ten million events takes 1.2 GB and some minutes to make; it is kept in ``--folder``
and used again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from gate.audit import Query, Store
from gate.audit.session import Session
from gate.audit.stats import By, statistics
from gate.audit.verify.log import verify
from gate.core.domain import EventKind, Reason, State
from tests.benchmarks.traffic import FIRST_DAY, VISITS_A_DAY, events, fill

RUNS = 15
PAGE = 100
COMMITS = 1_000


def queries(middle: datetime) -> dict[str, Query]:
    """What an auditor asks, at the newest end and in the middle of the log."""
    granted, day = frozenset({EventKind.GRANTED}), timedelta(days=1)
    emergency = frozenset({State.EMERGENCY})
    return {
        "newest": Query(),
        "event": Query(events=granted),
        "reason": Query(reasons=frozenset({Reason.EYES_CLOSED})),
        "rare event": Query(events=frozenset({EventKind.FAULT})),
        "rare state": Query(states=emergency),
        "no match": Query(reasons=frozenset({Reason.FAULT_RELAY})),
        "visit": Query(visit=1234),
        "operator": Query(who="anna"),
        "one day": Query(since=middle, until=middle + day),
        "one hour, event": Query(since=middle, until=middle + day / 24, events=granted),
        "since": Query(since=middle),
        "until, event": Query(until=middle, events=frozenset({EventKind.VISIT_LEFT})),
        "until, rare state": Query(until=middle, states=emergency),
        "score 0.10–0.11": Query(score_from=0.1, score_to=0.11),
        "score ≥ 0.9": Query(score_from=0.9),
        "score ≤ 0.4, event": Query(score_to=0.4, events=granted),
        "score, until": Query(until=middle, score_from=0.1, score_to=0.12),
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the first run, and of the best of some."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return times[0], min(times)


def measure(path: Path, count: int, jobs: int) -> dict[str, str]:
    """Every figure of one log."""
    figures = {"bytes per event": f"{path.stat().st_size / count:.0f}"}
    with Store.open(path, read_only=True) as store:
        newest = next(store.records(newest_first=True, limit=1)).wall
        middle = FIRST_DAY + (newest - FIRST_DAY) / 2
        for newest_first in (True, False):
            for name, query in queries(middle).items():
                first, best = timed(
                    lambda q=query, n=newest_first: list(store.search(q, PAGE, newest_first=n))  # type: ignore[misc]  # bound at once
                )
                side = "newest" if newest_first else "oldest"
                figures[f"{name}, {side} {PAGE} (ms)"] = f"{best:.1f} ({first:.1f})"
        for name, days, by in (("day", 1, By.HOUR), ("month", 30, By.DAY), ("year", 365, By.DAY)):

            def count_up(days: int = days, by: By = by) -> None:
                with store.session.reading() as connection:
                    statistics(connection, middle, middle + timedelta(days=days), by)

            first, best = timed(count_up)
            figures[f"stats of a {name} (ms)"] = f"{best:.1f} ({first:.1f})"
    for workers in dict.fromkeys((1, jobs)):
        with closing(Session(path, read_only=True)) as session:
            start, used = time.perf_counter(), time.process_time()
            verdict = verify(session, workers=workers)
            seconds, used = time.perf_counter() - start, time.process_time() - used
        assert verdict.whole
        figures[f"verify, {workers} process(es) (events/s)"] = f"{verdict.events / seconds:,.0f}"
        if workers == 1:
            figures["the same (events per second of CPU)"] = f"{verdict.events / used:,.0f}"
    return figures


def bytes_written() -> int:
    """What this process has sent to the disk, by the kernel's count."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def commits(folder: Path) -> dict[str, str]:
    """What a decision costs, and a day of them, on the disk of `folder`."""
    with TemporaryDirectory(dir=folder) as place, Store.open(Path(place) / "audit.db") as store:
        source = (event for _, event, _ in events())
        for event in islice(source, 200):
            store.record([event])
        times = []
        before = bytes_written()
        for event in islice(source, COMMITS):
            start = time.perf_counter()
            store.record([event])
            times.append((time.perf_counter() - start) * 1000)
        each = (bytes_written() - before) / COMMITS
    cuts = quantiles(times, n=100)
    next_day = FIRST_DAY + timedelta(days=1)
    a_day = next(number for number, (wall, _, _) in enumerate(events()) if wall >= next_day)
    traffic = f"{VISITS_A_DAY} visits, {a_day} commits"
    return {
        "commit p50 (ms)": f"{cuts[49]:.2f}",
        "commit p99 (ms)": f"{cuts[98]:.2f}",
        "written per commit (KB)": f"{each / 1024:.1f}",
        f"written per day, {traffic} (MB)": f"{each * a_day / 2**20:.0f}",
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e4, 1e5, 1e6])
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--jobs", type=int, default=2, help="processes of the second verification")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    columns: dict[int, dict[str, str]] = {}
    for size in map(int, options.sizes):
        path = options.folder / f"events-{size}.db"
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            partial.unlink(missing_ok=True)
            fill(partial, size)
            partial.rename(path)
        columns[size] = measure(path, size, options.jobs)
    sizes = [*columns]
    print("| what | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name in columns[sizes[0]]:
        print(f"| {name} | " + " | ".join(columns[size][name] for size in sizes) + " |")
    print()
    for name, figure in commits(options.folder).items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
