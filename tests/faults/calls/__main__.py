"""``python -m tests.faults.calls``: every call fails once, and from then on; the table of it."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.faults.calls.runs import (
    SCENARIOS,
    Report,
    Tally,
    Trial,
    carry_out,
    count,
    sample,
    workers,
)
from tests.faults.calls.targets import KINDS, MEANING, build

SHOWN = 20
"""Broken trials that are printed one by one."""


def main() -> int:
    """Run them; the exit code is 1 if a promise was broken."""
    options = _options()
    if shutil.which("gcc") is None:
        print("gcc is needed, to build the library that fails calls: apt install gcc")
        return 2
    folder, report = Path(tempfile.mkdtemp(prefix="smile-gate-calls-")), Report()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    console = Console(stderr=True)
    try:
        with (
            workers(build(folder), options.jobs) as pool,
            Progress(console=console, transient=True, disable=options.json) as progress,
        ):
            if options.only:
                trials = [Trial.named(name) for name in options.only]
            else:
                kinds, scenarios = options.kind or list(KINDS), options.scenario or SCENARIOS
                trials = list(count(pool, kinds, scenarios, report))
            if options.share > 1:
                trials = sample(trials, options.share, seed)
            random.Random(seed).shuffle(trials)  # what an end of time leaves out is of every kind
            within_s = None if options.minutes is None else 60 * options.minutes
            task = progress.add_task("calls failed", total=len(trials))
            for trial, outcome in carry_out(pool, trials, report, within_s):
                progress.advance(task)
                if outcome.broken and len(report.broken) <= SHOWN:
                    progress.console.print(
                        f"{trial}: {outcome.struck}: {'; '.join(outcome.broken)}",
                        markup=False,
                        highlight=False,
                    )
                if options.only:
                    print(outcome.said, file=sys.stderr)
    finally:
        shutil.rmtree(folder)
    _say(report, seed, as_json=options.json)
    return int(bool(report.broken))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.calls", description=__doc__)
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="only calls of it")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only in it")
    parser.add_argument(
        "--only",
        action="append",
        metavar="KIND:SCENARIO:WIRING:NUMBER:MODE",
        help="one trial, with what the gate said",
    )
    parser.add_argument("--share", type=int, default=1, help="one in so many, chosen by the seed")
    parser.add_argument("--seed", type=int, help="of the choice and the order")
    parser.add_argument("--minutes", type=float, help="end after this time, with what is done")
    parser.add_argument("--jobs", type=int, default=2, help="trials at the same time")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    return parser.parse_args()


def _say(report: Report, seed: int, *, as_json: bool) -> None:
    total = Tally()
    for tally in report.tallies.values():
        total.calls += tally.calls
        total.failed += tally.failed
        total.broken += tally.broken
    if as_json:
        rows = [
            {"kind": kind, "scenario": scenario} | asdict(tally)
            for (kind, scenario), tally in report.tallies.items()
        ]
        broken = [
            {"trial": str(trial), "broken": texts, "failed": struck}
            for trial, texts, struck in report.broken
        ]
        print(json.dumps({"seed": seed, "total": asdict(total), "rows": rows, "broken": broken}))
        return
    table = Table("calls of", "scenario", "calls", "failed", "promises broken")
    for column in table.columns[2:]:
        column.justify = "right"
    for (kind, scenario), tally in sorted(report.tallies.items()):
        row = (tally.calls, tally.failed, tally.broken)
        table.add_row(MEANING[kind], scenario, *map(str, row))
    table.add_section()
    table.add_row("all", "", str(total.calls), str(total.failed), str(total.broken))
    console = Console(width=110)
    console.print(table)
    for trial, texts, struck in report.broken[:SHOWN]:
        lines = [f"BROKEN by {struck or 'nothing'}:", *(f"  {text}" for text in texts)]
        if trial.number:
            lines.append(f"  again: python -m tests.faults.calls --only {trial}")
        console.print("\n".join(lines), markup=False, highlight=False)
    if len(report.broken) > SHOWN:
        console.print(f"and {len(report.broken) - SHOWN} more")
    console.print(f"seed {seed}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
