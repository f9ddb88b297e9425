"""Cost of a frame: the gate's pipeline beside a naive loop, on the same frames in one run.

CPU time of one thread is measured, not wall time, and the contenders take turns, so that a busy
machine treats them alike; memory is the peak of a process of its own. Only ratios of one run mean
anything on another machine.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from gate.config import Config
from gate.core.domain import Frame
from gate.errors import GateError
from gate.system import resources
from gate.vision import cascades
from gate.vision.classifier import EYES, TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.stage_clock import StageClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.core.domain import Image

FPS = 15.0
WARM_UP = 8
"""Frames at the start that are not counted: everything is loaded and allocated by then."""
CHUNK = 8
"""Frames that one contender gets before the next one's turn."""
FACEMESH = Path(__file__).parents[3] / "tests" / "benchmarks" / "facemesh.py"


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one thread's CPU a frame, after the warm-up, and what was found."""

    mean: float
    p50: float
    p99: float
    found: float
    """Share of frames with a face."""
    pixels: float
    """Pixels that cascades were run on, a frame, summed over all scales."""


Contender = Callable[["Image", int], tuple[bool, int]]
"""Takes a frame and its number; says whether it found a face, and the pixels it searched."""


def naive() -> Contender:
    """The loop that older smile detectors share: Haar over the whole frame, then in the face."""
    faces, eyes = cascades.load(cascades.FACE), cascades.load(cascades.EYES)

    def look(image: Image, _: int) -> tuple[bool, int]:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = faces.detectMultiScale(gray, 1.1, 5, minSize=(30, 30))
        pixels = _pyramid(gray.shape[:2], 30, 24)
        for x, y, width, height in found:
            eyes.detectMultiScale(gray[y : y + height, x : x + width])
            pixels += _pyramid((height, width), 20, 20)
        return len(found) > 0, pixels

    return look


def pipeline(config: Config) -> Contender:
    """The gate's own: `Pipeline.observe` with the settings' models."""
    seen = open_pipeline(config, open_model(config))

    def look(image: Image, number: int) -> tuple[bool, int]:
        before = seen.tracker.work.pixels
        observation = seen.observe(Frame(image, number, number / FPS))
        return bool(observation.faces), seen.tracker.work.pixels - before

    return look


def compare(contenders: dict[str, Contender], frames: Sequence[Image]) -> dict[str, Cost]:
    """Run the contenders over the frames in turns; the cost of each, by name."""
    cv2.setNumThreads(1)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, list[tuple[bool, int]]] = {name: [] for name in contenders}
    for start in range(0, len(frames), CHUNK):
        for name, look in contenders.items():
            for number in range(start, min(start + CHUNK, len(frames))):
                begun = time.thread_time()
                result = look(frames[number], number)
                times[name].append((time.thread_time() - begun) * 1000)
                results[name].append(result)
    return {name: _cost(times[name], results[name]) for name in contenders}


def _cost(times: list[float], results: list[tuple[bool, int]]) -> Cost:
    counted = np.array(times[WARM_UP:] or times)
    found, pixels = np.array(results[WARM_UP:] or results, float).T
    p50, p99 = np.percentile(counted, [50, 99])
    return Cost(
        float(counted.mean()), float(p50), float(p99), float(found.mean()), float(pixels.mean())
    )


def _pyramid(shape: tuple[int, ...], smallest: int, window: int, step: float = 1.1) -> int:
    """Pixels of all scales at which OpenCV runs a cascade over a picture."""
    pixels, size = 0, float(smallest)
    while size <= min(shape[:2]):
        pixels += int(shape[0] * shape[1] * (window / size) ** 2)
        size *= step
    return pixels


def peak_memory(kind: str, frames: Sequence[Image]) -> float:
    """Peak MB (resident) of a fresh process that runs one contender over the frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack(frames))
        code = f"from gate.replay.bench.costs import worker; worker({kind!r}, {str(path)!r})"
        answer = _ask([sys.executable, "-c", code])
    return float(answer["peak_mb"])


def worker(kind: str, path: str) -> None:
    """Run one contender over saved frames and print its peak memory; `peak_memory` calls it."""
    count = len(np.load(path, mmap_mode="r"))
    look = naive() if kind == "naive" else pipeline(Config())
    for number in range(count):
        # Opened anew each time: pages of frames that were seen don't count as memory.
        look(np.array(np.load(path, mmap_mode="r")[number]), number)
    print(json.dumps({"peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Peak resident memory of this process; not what its parent had when it was started."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def facemesh(python: str, frames: Sequence[Image]) -> dict[str, Any]:
    """MediaPipe FaceMesh over the frames, by a Python that has it: CPU ms a frame, peak MB.

    ``tests/benchmarks/facemesh.sh`` makes such an environment. Raises `GateError` if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack(frames))
        return _ask([python, str(FACEMESH), str(path)])


def stages(frames: Sequence[Image]) -> dict[str, float]:
    """Milliseconds a frame of the pipeline's stages, with the shipped models."""
    smile, eyes = TFLiteClassifier(), TFLiteClassifier(resources.path(EYES))
    seen = Pipeline(PipelineSettings(), smile, eyes, stages=StageClock(time.thread_time))
    frame_costs: list[dict[str, float]] = []
    for number, image in enumerate(frames):
        begun = time.thread_time()
        seen.observe(Frame(image, number, number / FPS))
        whole = time.thread_time() - begun
        spent = seen.stages.spent
        frame_costs.append(spent | {"rest": whole - sum(spent.values())})
    counted = frame_costs[WARM_UP:] or frame_costs
    return {
        stage: 1000 * sum(cost.get(stage, 0.0) for cost in counted) / len(counted)
        for stage in ("face", "smile", "eyes", "rest")
    }


def _ask(command: list[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        text = getattr(error, "stderr", None) or str(error)
        last = (str(text).strip().splitlines() or ["no output"])[-1]
        raise GateError(f"{command[0]}: the measurement failed: {last}") from None
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
