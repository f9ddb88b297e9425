"""``make fuzz``: strange inputs for every way in, and the table of what came of them."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.fuzz.run import BATCH, Finding, run_batch, try_one
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

MILLION = 1_000_000
KEPT = Path("build/fuzz")
EXAMPLES = """\
examples:
  python -m tests.fuzz --inputs 10000             a short run of everything
  python -m tests.fuzz --target logs --seed 7     other inputs of one kind
  python -m tests.fuzz --target logs --file X     one input again, with its traceback
"""


def main() -> int:
    """Try the inputs; the exit code is 1 if a promise was broken."""
    options = _options()
    chosen = [TARGETS[name] for name in options.target or TARGETS]
    if options.file is not None:
        with TemporaryDirectory(prefix="smile-gate-fuzz-") as folder:
            for target in chosen:
                try_one(target, Path(folder) / "case", options.file.read_bytes())
        print(f"{options.file}: as promised")
        return 0
    began = time.monotonic()
    tried: Counter[str] = Counter()
    findings: list[Finding] = []
    whole = sum(target.share for target in chosen)
    with (
        ProcessPoolExecutor(options.jobs) as pool,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        bars, runs = {}, {}
        for target in chosen:
            wanted = max(1, round(options.inputs * target.share / whole))
            bars[target.name] = progress.add_task(target.name, total=wanted)
            for number in range(-(-wanted // BATCH)):
                size = min(BATCH, wanted - number * BATCH)
                seed = options.seed * MILLION + number
                runs[pool.submit(_batch, target.name, seed, size)] = target.name
        try:
            for done in as_completed(runs):
                count, finding = done.result()
                tried[runs[done]] += count
                progress.advance(bars[runs[done]], count)
                if finding is not None:
                    findings.append(finding)
                    _keep(finding)
        except BrokenProcessPool:
            findings.append(Finding("?", options.seed, b"", "an input ended the process"))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("ended before it was done", file=sys.stderr)
    _say(chosen, tried, findings, options, time.monotonic() - began)
    return int(bool(findings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inputs", type=int, default=MILLION, help="in all (default: a million)")
    parser.add_argument("--seed", type=int, default=1, help="other inputs for another number")
    parser.add_argument(
        "--target", action="append", choices=TARGETS, help="only this; again for more"
    )
    parser.add_argument("--file", type=Path, help="try this one input")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--json", action="store_true", help="write the result as JSON")
    return parser.parse_args()


def _batch(name: str, seed: int, size: int) -> tuple[int, Finding | None]:
    logging.disable()  # what a gate would tell its journal
    return run_batch(TARGETS[name], seed, size)


def _keep(finding: Finding) -> None:
    path = KEPT / finding.target / sha256(finding.data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.data)
    again = f"python -m tests.fuzz --target {finding.target} --file {path}"
    print(f"{finding.said}\nagain: {again}", file=sys.stderr)


def _say(
    chosen: list[Target],
    tried: Counter[str],
    findings: list[Finding],
    options: argparse.Namespace,
    took_s: float,
) -> None:
    broken = Counter(finding.target for finding in findings)
    if options.json:
        rows = {one.name: {"inputs": tried[one.name], "broken": broken[one.name]} for one in chosen}
        print(json.dumps({"seed": options.seed, "took_s": round(took_s), "targets": rows}))
        return
    table = Table("inputs of", "tried", "broken in", "what must hold")
    for target in chosen:
        result = f"{broken[target.name]} batches" if broken[target.name] else "none"
        table.add_row(target.name, f"{tried[target.name]:,}", result, target.promise)
    total = f"{tried.total():,} inputs, seed {options.seed}, {took_s:.0f} s"
    Console().print(table, total, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
