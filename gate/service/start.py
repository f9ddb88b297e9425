"""The start of a gate: five steps, in the order that the promises ask for.

Whatever happens later, the lines go to safety first and the emergency input works. A part that
cannot start is a fault of that part: the way out needs no log, no model and no camera. Only without
its lines there is no gate.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.config import Config, Unwritable
from gate.core.controller import Controller
from gate.core.domain import Event, Observation, Reason, Signal, Trigger
from gate.core.lane_closures import LaneClosures
from gate.core.transitions import Lane
from gate.hardware import lines_file
from gate.hardware.board import read as read_board
from gate.hardware.from_config import (
    input_lines,
    lines_in_force,
    open_camera_thread,
    open_guard,
    open_indicators,
    open_lines,
    open_relay,
    open_signals,
    record_folders,
)
from gate.hardware.input_lines import InputLines
from gate.hardware.pin_factory import pin_factory
from gate.interfaces.metrics.from_config import open_meter
from gate.service import nightly
from gate.service.begin_run import (
    begin_run,
    install_model,
    named,
    note_faults,
    take_up_log,
    trip,
)
from gate.service.earlier_runs import EarlierRuns
from gate.service.early_exit import EarlyExit
from gate.service.frames import FrameProcessor
from gate.service.health import ClockWatch, ServiceReport
from gate.service.inbox import Call, Inbox
from gate.service.jobs import Jobs
from gate.service.log_file import LogFile
from gate.service.log_writer import LogWriter
from gate.service.model_loader import ModelLoader
from gate.service.model_loader import load as load_model
from gate.service.parts import (
    EMERGENCY,
    HardwareParts,
    HealthParts,
    LaneParts,
    LogParts,
    Parts,
    VisionParts,
)
from gate.service.recent_events import RecentEvents
from gate.system.emergency_latch import EmergencyLatch
from gate.system.systemd import Notifier
from gate.vision.classifier import TFLiteClassifier
from gate.vision.pipeline import Pipeline

logger = logging.getLogger(__name__)


def start(
    config: Config,
    path: Path | None,
    stack: ExitStack,
    inbox: Inbox,
    notifier: Notifier,
    *,
    damaged: str | None = None,
    factory: Any,
    on_event: Callable[[Event], None],
    on_frame: Callable[[Observation, Lane], None],
) -> Parts:
    """Start the parts in order; the stack ends them in reverse. Raises `GateError`.

    ``damaged`` says what is wrong with the file where ``config`` is what the last run had.
    """
    begun, loaded = time.monotonic(), datetime.now(UTC)
    closures = LaneClosures(inbox.post)
    latch = EmergencyLatch(record_folders(config))
    early = EarlyExit(inbox.post, config.relay.hold_s)
    stack.callback(early.close)
    hardware = _claim_lines(config, factory, inbox, early, closures, latch, stack)
    seeing = load_model(config)
    classifier, pipeline = (None, None) if isinstance(seeing, str) else seeing

    def on_late_opening(earlier: EarlierRuns) -> None:
        inbox.post(Call(lambda: take_up_log(parts, earlier)))

    log = _open_log(config, classifier, notifier, inbox, stack, on_late_opening)
    lane = _open_lane(config, classifier, hardware, log, closures, on_event)
    stack.callback(lane.close)
    vision = _open_vision(config, classifier, pipeline, inbox, lane.controller, on_frame)
    stack.callback(vision.close)
    crash_loop = begin_run(config, path, log, lane, hardware, latch)
    note_faults(lane.controller, log, seeing, damaged)
    loader = ModelLoader(inbox, lambda seen: install_model(parts, seen), begun)
    health = HealthParts(
        report=ServiceReport(notifier, begun),
        crash_loop=crash_loop,
        clock=ClockWatch(),
        board=read_board(disk=config.store.path),
        board_at=begun,
        latch=latch,
        latched=latch.is_set(),
        loader=loader,
    )
    parts = Parts(config, path, begun, loaded, inbox, hardware, log, lane, vision, health)
    early.hand_over(lane.controller, time.monotonic())
    lane.jobs.start()
    vision.frames.camera.start()
    return parts


def _claim_lines(
    config: Config,
    factory: Any,
    inbox: Inbox,
    early: EarlyExit,
    closures: LaneClosures,
    latch: EmergencyLatch,
    stack: ExitStack,
) -> HardwareParts:
    """First the lines: one that an earlier run left driven goes to safety at once.

    And the emergency input and the exit button move the relay from here on, before anything is
    opened or written that can take its time; so does an emergency that was not cleared.
    """
    first, *others = record_folders(config)
    written = lines_file.write([first], lines_in_force(config))
    factory = factory or pin_factory(config.relay.pin_factory)
    guard = open_guard(config)
    stack.callback(guard.close)
    lines = open_lines(config, factory, emergency=latch.is_set())

    def make_lines_safe() -> None:
        if lines.close():
            guard.leave_lines()

    stack.callback(make_lines_safe)
    inputs = InputLines(factory)
    memory = latch.in_memory
    signals = open_signals(config, inputs, early.post, closures, lambda: memory.set(EMERGENCY))

    def on_limit(max_open_s: float) -> None:
        detail = f"released by its limit of {max_open_s:g} s"
        inbox.post(Signal(Trigger.FAULT, Reason.FAULT_RELAY, detail=detail))

    relay = open_relay(
        config, lines, on_limit=on_limit, emergency_held=signals.emergency_held, overseer=guard
    )
    stack.callback(relay.close)
    if latch.is_set():
        trip(relay)
    early.serve(relay)
    signals.connect(relay, input_lines(config))
    stack.callback(inputs.close)
    early.watch(signals)
    written += lines_file.write(others, lines_in_force(config))  # a card may take its time
    if not written:
        logger.error("the lines are nowhere written down: safe-state needs the settings' file")
    return HardwareParts(guard, relay, inputs, signals, open_indicators(config, lines))


def _open_log(
    config: Config,
    classifier: TFLiteClassifier | None,
    notifier: Notifier,
    inbox: Inbox,
    stack: ExitStack,
    on_late_opening: Callable[[EarlierRuns], None],
) -> LogParts:
    """Second the log, whose rows name the model: nobody is let in without it."""
    model, threshold = ("", 1.0) if classifier is None else named(classifier)
    file = LogFile(
        config, card_threshold=threshold, model_hash=model, on_late_opening=on_late_opening
    )
    meter = open_meter(config, notifier.watchdog_s, model)
    stack.callback(meter.close)
    file.open()
    recent = RecentEvents(file.earlier.newest)
    parts = LogParts(file, LogWriter(meter.timed(file), inbox.post), recent, meter)
    stack.callback(parts.close)
    return parts


def _open_lane(
    config: Config,
    classifier: TFLiteClassifier | None,
    hardware: HardwareParts,
    log: LogParts,
    closures: LaneClosures,
    on_event: Callable[[Event], None],
) -> LaneParts:
    """Third what decides, now that it can record and then move the relay. The lane is closed."""

    def tell(event: Event) -> None:
        log.recent_events.add(event)
        log.meter.record_event(event)
        hardware.indicators.record_event(event.kind, event.monotonic)
        on_event(event)

    controller = Controller(
        config.rules(1.0 if classifier is None else classifier.card.threshold),
        log.writer,
        hardware.relay,
        lane=Lane(next_visit=log.file.earlier.next_visit),
        grants_unwritten=config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL,
        on_event=tell,
    )
    return LaneParts(controller, closures, open_jobs(config, log.file, closures))


def _open_vision(
    config: Config,
    classifier: TFLiteClassifier | None,
    pipeline: Pipeline | None,
    inbox: Inbox,
    controller: Controller,
    on_frame: Callable[[Observation, Lane], None],
) -> VisionParts:
    """Fourth what sees, as it has a controller to tell. The camera does not run yet."""
    frames = FrameProcessor(
        open_camera_thread(config, inbox),
        pipeline,
        controller,
        stale_s=config.camera.stale_after_s,
        now=time.monotonic(),
        on_frame=on_frame,
    )
    return VisionParts(classifier, frames)


def open_jobs(config: Config, file: LogFile, closures: LaneClosures) -> Jobs:
    """The calendar, not started."""
    jobs = Jobs(config.lane.hours, closures.by_hours, zone=config.lane.zone)
    nightly.schedule(jobs, lambda: file.store, config.store)
    return jobs
