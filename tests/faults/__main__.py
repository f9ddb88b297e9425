"""``make faults``: every fault many times, and the table of what came of it."""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.faults.gate import Balance, Gate, write_clip
from tests.faults.harms import FAULTS, Fault, strike


def once(folder: Path, clip: Path, index: int, number: int) -> Balance:
    """One trial in a folder of its own, which is kept if something is wrong with it."""
    gate = Gate(folder / f"{index}-{number}")
    gate.prepare(clip)
    try:
        result = strike(FAULTS[index], gate, random.Random(1000 * index + number))
    except Exception as error:  # a trial that can't be judged is a failed one
        (gate.folder / "error").write_text(repr(error))
        return Balance(math.inf, math.inf, 0, 0)
    if good(FAULTS[index], result):
        shutil.rmtree(gate.folder)
    return result


def good(fault: Fault, result: Balance) -> bool:
    """Whether the promises held."""
    wrong = result.unrecorded_grants + result.unrecorded_moves
    return result.on_after_s <= fault.limit_s and not wrong


def main() -> int:
    """Run the trials; the exit code is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="SIGKILLs in a hold")
    parser.add_argument("--others", type=int, default=50, help="times of each other fault")
    parser.add_argument("--jobs", type=int, default=2, help="gates at the same time")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smile-gate-faults-"))
    clip = folder / "smile.avi"
    write_clip(clip)
    table = Table(
        "fault",
        "times",
        "longest on after it",
        "allowed",
        "past max_on_s",
        "grants without record",
        "other moves without",
        "result",
    )
    failed = False
    with (
        ProcessPoolExecutor(options.jobs, max_tasks_per_child=None) as pool,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        for index, fault in enumerate(FAULTS):
            times = options.kills if index == 0 else options.others
            trials = pool.map(partial(once, folder, clip, index), range(times))
            results = list(progress.track(trials, total=times, description=fault.name))
            past = max(result.past_limit_s for result in results)
            longest = max(result.on_after_s for result in results)
            held = all(good(fault, result) for result in results)
            failed |= not held
            table.add_row(
                fault.name,
                str(times),
                f"{longest:.2f} s",
                f"{fault.limit_s:.1f} s",
                f"{past:.2f} s" if past > 0 else "never",
                str(sum(result.unrecorded_grants for result in results)),
                str(sum(result.unrecorded_moves for result in results)),
                "held" if held else f"BROKEN, see {folder}",
            )
    Console(width=140).print(table)
    if not failed:
        shutil.rmtree(folder)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
