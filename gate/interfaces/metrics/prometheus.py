"""Metrics for Prometheus: on a port of this machine, or as a file for node_exporter.

Names and units follow prometheus.io/docs/practices/naming. Requests are answered by threads of
their own, from the values that the loop left last: nothing waits for the loop, so that one that
hangs can be seen. Nothing here may stop the gate.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    make_wsgi_app,
)

from gate.core.domain import Event, EventKind, Reason, Record
from gate.core.recorder import Recorder
from gate.hardware.board import Board
from gate.interfaces.metrics.collector import PARTS, LoopCollector
from gate.interfaces.metrics.meter import FrameOutcome, FrameResult, LoopTurn, Meter
from gate.interfaces.metrics.server import MetricsServer
from gate.system import durable

log = logging.getLogger(__name__)

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper ends of the histograms' buckets, s: from the fastest stage to the longest silence."""
RETRY_S = 10.0
"""How often it is tried to begin what could not begin."""
STAGES = ("face", "eyes", "smile", "commit", "whole")
REFUSALS = (
    Reason.NO_SMILE,
    Reason.EYES_CLOSED,
    Reason.NOT_HELD,
    Reason.MORE_THAN_ONE_FACE,
    Reason.FACE_TOO_SMALL,
    Reason.TOO_DARK,
    Reason.TOO_BRIGHT,
    Reason.UNEVEN_LIGHT,
    Reason.PHOTO_SUSPECTED,
)
"""Usual reasons for the end of a visit; others appear once they happen."""
_Taken = ParamSpec("_Taken")


def harmless(
    method: Callable[Concatenate[PrometheusMeter, _Taken], None],
) -> Callable[Concatenate[PrometheusMeter, _Taken], None]:
    """Log an exception of a measuring method instead of raising it in the loop."""

    @wraps(method)
    def call(self: PrometheusMeter, /, *args: _Taken.args, **kwargs: _Taken.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception:
            log.exception("metrics: %s", method.__name__)

    return call


class PrometheusMeter(Meter):
    """Counts what the loop reports, and answers from a thread of its own."""

    def __init__(
        self,
        *,
        build: Mapping[str, str],
        model: str,
        watchdog_s: float,
        fps_wanted: float,
        board: Callable[[], Board],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``build`` and the model's digest label the constant ``smile_gate_build_info``."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # of the library's own
        self.registry = CollectorRegistry()
        # Prefixed: node_exporter has a process_… of its own, and refuses a second one in a file.
        ProcessCollector(namespace="smile_gate", registry=self.registry)
        self._build = dict(build)
        self._info = Gauge(
            "smile_gate_build_info", "Always 1.", [*build, "model"], registry=self.registry
        )
        self._fps_wanted = Gauge(
            "smile_gate_camera_fps_wanted", "Pictures a second asked for.", registry=self.registry
        )
        self.describe(model=model, fps_wanted=fps_wanted)
        self._events = Counter(
            "smile_gate_events",
            "Events recorded, by kind and reason.",
            ["event", "reason"],
            registry=self.registry,
        )
        self._frames = Counter(
            "smile_gate_frames",
            "Frames taken by the loop, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._ages = Histogram(
            "smile_gate_frame_age_seconds",
            "Age of a frame when the loop takes it.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "smile_gate_stage_seconds",
            "What a frame's stages take; commit: one transaction of the log.",
            ["stage"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._begin_at_zero()
        self._now = LoopCollector(watchdog_s, board, clock)
        self.registry.register(self._now)
        self._closers: list[Callable[[], object]] = []
        self._clock = clock
        self._rest: dict[str, Callable[[], object]] = {}
        """What could not begin, by its setting, and is tried again."""
        self._retry_at = 0.0

    def begin(self, setting: str, work: Callable[[], object]) -> None:
        """Begin to answer or to write; what fails is said, and tried again with the loop's turns.

        A port can be taken, and no thread be left.
        """
        try:
            work()
        except (OSError, RuntimeError) as error:
            if setting not in self._rest:
                log.error("metrics.%s: %s; it is tried again", setting, error)
            self._rest[setting] = work
            self._retry_at = self._clock() + RETRY_S
        else:
            self._rest.pop(setting, None)

    def serve(self, address: str, port: int) -> int:
        """Answer on a port (0: any that is free) and return it. Raises OSError if it is taken."""
        server = MetricsServer(address, port, make_wsgi_app(self.registry))
        self._closers.append(server.close)
        return server.port

    def write_every(self, path: Path, every_s: float) -> None:
        """Write a file again and again from a thread of its own; `close` removes it."""
        closing = threading.Event()

        def write_on() -> None:
            while not closing.is_set():
                try:
                    self.write(path)
                except Exception as error:
                    log.error("metrics.textfile: %s", error)
                closing.wait(every_s)

        thread = threading.Thread(target=write_on, name="metrics", daemon=True)
        thread.start()
        # A file that stays would look like a gate that runs.
        self._closers += [closing.set, lambda: thread.join(1), lambda: path.unlink(missing_ok=True)]

    def write(self, path: Path) -> None:
        """Replace the file at once, so that nobody reads half of it. Raises OSError."""
        durable.write(path, generate_latest(self.registry), mode=0o644, sync=False)

    @harmless
    def record_event(self, event: Event) -> None:
        """Count the event."""
        self._events.labels(event.kind, event.reason or "").inc()
        if event.kind is EventKind.UNCLEAN_END:
            self._now.unclean = True

    @harmless
    def record_frame(self, result: FrameResult) -> None:
        """Count the frame, and note what it cost."""
        self._frames.labels(result.outcome).inc()
        self._ages.observe(result.age_s)
        for stage, seconds in result.stages.items():
            self._stages.labels(stage).observe(seconds)

    @harmless
    def record_commit(self, seconds: float) -> None:
        """Note what a commit cost."""
        self._stages.labels("commit").observe(seconds)

    @harmless
    def record_turn(self, turn: LoopTurn) -> None:
        """Keep the newest turn; try again what could not begin."""
        self._now.record_turn(turn)
        if self._rest and self._clock() >= self._retry_at:
            for setting, work in [*self._rest.items()]:
                self.begin(setting, work)

    @harmless
    def describe(self, *, model: str, fps_wanted: float) -> None:
        """Say so from now on."""
        self._info.clear()
        self._info.labels(**self._build, model=model[:12]).set(1)
        self._fps_wanted.set(fps_wanted)

    def timed(self, recorder: Recorder) -> Recorder:
        """The recorder, with its commits measured."""
        return _Timed(recorder, self)

    def close(self) -> None:
        """End the server and the file; may be called twice."""
        self._rest.clear()
        closers, self._closers = self._closers, []
        for closer in closers:
            try:
                closer()
            except Exception as error:
                log.error("metrics: not ended: %s", error)

    def _begin_at_zero(self) -> None:
        """Create the usual series at 0: one that begins with its first event shows no increase."""
        self._events.labels(EventKind.GRANTED, Reason.SMILE_HELD)
        self._events.labels(EventKind.OPERATOR_GRANTED, Reason.OPERATOR)
        for reason in REFUSALS:
            self._events.labels(EventKind.VISIT_LEFT, reason)
        for part in PARTS:
            self._events.labels(EventKind.FAULT, part)
        for outcome in FrameOutcome:
            self._frames.labels(outcome)
        for stage in STAGES:
            self._stages.labels(stage)


class _Timed:
    """Recorder that measures each commit, also one that fails."""

    def __init__(self, recorder: Recorder, meter: PrometheusMeter) -> None:
        self._recorder = recorder
        self._meter = meter

    def record(self, events: Sequence[Event]) -> Sequence[Record]:
        began = time.perf_counter()
        try:
            return self._recorder.record(events)
        finally:
            self._meter.record_commit(time.perf_counter() - began)
