"""Whether statistics of a large log slow the frames: ``python -m tests.benchmarks.bench_stats``.

A gate judges a clip at 15 pictures a second while a reader asks its control socket for `stats`,
again and again. Phases with and without a reader take turns, so that other work on the machine
falls on both. Printed are the frame times (from taking a picture to having acted on it) and the
time between two frames, and what the reader got. ``--rows 1e7`` needs 2.5 GB and, the first time,
some minutes: the log is kept in ``--folder``, and the gate gets a copy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from gate.audit import Store
from gate.config.load import load
from gate.core.domain import Frame
from gate.hardware.picture_files import VideoFile
from gate.interfaces.metrics.meter import FrameResult
from gate.replay import demo_clip
from gate.service.daemon import Daemon
from tests.benchmarks.traffic import FIRST_DAY, fill

FPS = 15
SETTINGS = f"""
camera: {{source: clip.avi, loop: true, fps: {FPS}, stale_after_s: 30}}
relay: {{pin_factory: mock}}
store: {{path: audit.db, grant_within_s: 10}}
control: {{socket: control.sock}}
"""
READY_S = 300.0
WARM_UP_S = 5.0


class MeasuredDaemon(Daemon):
    """A daemon that notes when each frame was judged, and how long that took."""

    def _loop(self) -> None:
        frames = self.parts.vision.frames
        judge, out = frames.process, Path("frames.csv").open("w", buffering=1)  # noqa: SIM115

        def process(frame: Frame, now: float) -> FrameResult:
            begun = time.perf_counter()
            result = judge(frame, now)
            out.write(f"{time.monotonic()},{time.perf_counter() - begun}\n")
            return result

        frames.process = process  # type: ignore[method-assign]
        super()._loop()


@dataclass(slots=True)
class Phase:
    """A stretch of time with one kind of question, or none."""

    name: str
    work_ms: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)

    def add(self, frames: Sequence[tuple[float, float]]) -> None:
        """Count the frames of one stretch."""
        self.work_ms += [spent * 1000 for _, spent in frames]
        ends = [at for at, _ in frames]
        self.gaps_ms += [(b - a) * 1000 for a, b in pairwise(ends)]

    def line(self) -> str:
        """A row of the table."""
        cells = [self.name, str(len(self.work_ms))]
        for values in (self.work_ms, self.gaps_ms):
            cells += [f"{median(values):.1f}", f"{quantiles(values, n=100)[98]:.1f}"]
        return f"| {' | '.join(cells)} |"


def ask(path: Path, since: datetime, until: datetime) -> tuple[float, str]:
    """Ask for statistics; gives the seconds and what came, in few words."""
    question = {"command": "stats", "since": since.isoformat(), "until": until.isoformat()}
    begun = time.monotonic()
    with closing(socket.socket(socket.AF_UNIX)) as gate:
        gate.settimeout(120)
        gate.connect(str(path))
        gate.sendall(json.dumps(question).encode() + b"\n")
        with gate.makefile("rb") as lines:
            answer = json.loads(lines.readline())
    took = time.monotonic() - begun
    if not answer["ok"]:
        return took, answer["error"]
    return took, f"{answer['total']['events']:,} events"


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The gate in a process of its own; gives its socket."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            MeasuredDaemon(load(Path("gate.yaml"))).run()
        finally:
            os._exit(0)
    try:
        end = time.monotonic() + READY_S
        while not (folder / "frames.csv").exists():
            if time.monotonic() > end:
                raise TimeoutError("the gate does not start")
            time.sleep(0.2)
        time.sleep(WARM_UP_S)
        yield folder / "control.sock"
    finally:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def frames(folder: Path, since: float, until: float) -> list[tuple[float, float]]:
    """When frames were judged between the two times, and how long each took, s."""
    rows = (line.split(",") for line in (folder / "frames.csv").read_text().splitlines())
    found = [(float(at), float(spent)) for at, spent in rows]
    return [(at, spent) for at, spent in found if since <= at < until]


def filled(folder: Path, rows: int) -> Path:
    """A log of so many rows, made unless it is there."""
    path = folder / f"events-{rows}.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        fill(partial, rows)
        partial.rename(path)
    return path


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--seconds", type=float, default=20, help="length of one phase")
    parser.add_argument("--rounds", type=int, default=3, help="how often the phases take turns")
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks"))
    options = parser.parse_args()
    log = filled(options.folder, int(options.rows))
    with Store.open(log, read_only=True) as store:
        newest = next(store.records(newest_first=True, limit=1)).wall
    spans = {
        "stats of a week": newest - timedelta(days=7),
        "stats of a year": newest - timedelta(days=365),
        "stats of all": FIRST_DAY,
    }
    phases = [Phase("nobody asks"), *map(Phase, spans)]
    got: dict[str, list[tuple[float, str]]] = {name: [] for name in spans}
    with TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        shutil.copy(log, folder / "audit.db")
        (folder / "gate.yaml").write_text(SETTINGS)
        with closing(VideoFile(folder / "clip.avi", FPS)) as video:
            for image in demo_clip.render():
                video.write(image)
        with running(folder) as control:
            for phase in phases * options.rounds:
                begun = time.monotonic()
                while (left := begun + options.seconds - time.monotonic()) > 0:
                    if phase.name in spans:
                        got[phase.name].append(ask(control, spans[phase.name], newest))
                    else:
                        time.sleep(left)
                phase.add(frames(folder, begun, time.monotonic()))
    print("| phase | frames | work p50 (ms) | p99 | between frames p50 (ms) | p99 |")
    print("|---|---|---|---|---|---|")
    for phase in phases:
        print(phase.line())
    for name, answers in got.items():
        times = [took for took, _ in answers]
        said = "; ".join(sorted({text for _, text in answers}))
        print(f"{name}: {len(times)} answers, {min(times):.2f}–{max(times):.2f} s: {said}")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
