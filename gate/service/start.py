"""The start of a gate: five steps, in the order that the promises ask for.

Whatever happens later, the lines go to safety first and the emergency input works; the log is open
before anything is decided, and a run is recorded once nothing can fail any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate import __version__
from gate.audit import Store
from gate.audit.from_config import open_store
from gate.config import Config, Unwritable
from gate.core.closures import LaneClosures
from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Observation, Reason, Signal, Trigger
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
from gate.service import last_config, nightly, operator_close
from gate.service.crash_loop import CrashLoop, crashes
from gate.service.frames import FrameProcessor
from gate.service.health import ClockWatch, ServiceReport
from gate.service.inbox import Inbox
from gate.service.jobs import Jobs
from gate.service.parts import HardwareParts, HealthParts, LaneParts, LogParts, Parts, VisionParts
from gate.service.recent_events import RecentEvents
from gate.system.systemd import Notifier
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline


def start(
    config: Config,
    path: Path | None,
    stack: ExitStack,
    inbox: Inbox,
    notifier: Notifier,
    *,
    factory: Any,
    on_event: Callable[[Event], None],
    on_frame: Callable[[Observation, Lane], None],
) -> Parts:
    """Start the parts in order; the stack ends them in reverse. Raises `GateError`."""
    begun, loaded = time.monotonic(), datetime.now(UTC)
    closures = LaneClosures(inbox.post)
    hardware = _claim_lines(config, factory, inbox, closures, stack)
    classifier = open_model(config)
    log = _open_log(config, classifier, notifier, stack)
    lane = _open_lane(config, classifier, hardware, log, closures, on_event)
    stack.callback(lane.close)
    vision = _open_vision(config, classifier, inbox, lane.controller, on_frame)
    stack.callback(vision.close)
    crash_loop = _begin_run(config, log, lane, vision)
    health = HealthParts(
        report=ServiceReport(notifier, begun),
        crash_loop=crash_loop,
        clock=ClockWatch(),
        board=read_board(disk=config.store.path),
        board_at=begun,
    )
    return Parts(config, path, begun, loaded, inbox, hardware, log, lane, vision, health)


def _claim_lines(
    config: Config, factory: Any, inbox: Inbox, closures: LaneClosures, stack: ExitStack
) -> HardwareParts:
    """First the lines: one that an earlier run left driven goes to safety at once.

    And the emergency input moves the relay from here on, before anything is opened that can take
    its time.
    """
    lines_file.write(record_folders(config), lines_in_force(config))
    factory = factory or pin_factory(config.relay.pin_factory)
    guard = open_guard(config)
    stack.callback(guard.close)
    lines = open_lines(config, factory)

    def make_lines_safe() -> None:
        if lines.close():
            guard.leave_lines()

    stack.callback(make_lines_safe)
    inputs = InputLines(factory)
    signals = open_signals(config, inputs, inbox.post, closures)

    def on_limit(max_open_s: float) -> None:
        detail = f"released by its limit of {max_open_s:g} s"
        inbox.post(Signal(Trigger.FAULT, Reason.FAULT_RELAY, detail=detail))

    relay = open_relay(
        config, lines, on_limit=on_limit, emergency_held=signals.emergency_held, overseer=guard
    )
    stack.callback(relay.close)
    signals.connect(relay, input_lines(config))
    stack.callback(inputs.close)
    return HardwareParts(guard, relay, inputs, signals, open_indicators(config, lines))


def _open_log(
    config: Config, classifier: TFLiteClassifier, notifier: Notifier, stack: ExitStack
) -> LogParts:
    """Second the log, whose rows name the model: without it nothing may be decided."""
    card = classifier.card
    store = open_store(
        config, config.store.path, card_threshold=card.threshold, model_hash=card.sha256
    )
    stack.callback(store.close)
    meter = open_meter(config, notifier.watchdog_s, card.sha256)
    stack.callback(meter.close)
    return LogParts(store, RecentEvents(store), meter)


def _open_lane(
    config: Config,
    classifier: TFLiteClassifier,
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
        config.rules(classifier.card.threshold),
        log.meter.timed(log.store),
        hardware.relay,
        lane=Lane(next_visit=log.store.next_visit()),
        grants_unwritten=config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL,
        on_event=tell,
    )
    return LaneParts(controller, closures, open_jobs(config, log.store, closures))


def _open_vision(
    config: Config,
    classifier: TFLiteClassifier,
    inbox: Inbox,
    controller: Controller,
    on_frame: Callable[[Observation, Lane], None],
) -> VisionParts:
    """Fourth what sees, as it has a controller to tell. The camera does not run yet."""
    frames = FrameProcessor(
        open_camera_thread(config, inbox),
        open_pipeline(config, classifier),
        controller,
        stale_s=config.camera.stale_after_s,
        now=time.monotonic(),
        on_frame=on_frame,
    )
    return VisionParts(classifier, frames)


def _begin_run(config: Config, log: LogParts, lane: LaneParts, vision: VisionParts) -> CrashLoop:
    """Last the run begins: it is recorded, then the hours and the camera may move the lane.

    Only now: a start that failed before must not look like a run that crashed.
    """
    controller, log_file = lane.controller, config.store.path
    closing, logged = operator_close.find(log.store, log_file)
    lane.closures.by_operator(closing)
    crash_loop = _record_start(config, log.store, controller)
    if closing is not None and not logged:
        who, why, now = closing.who, closing.why, time.monotonic()
        controller.record(
            Event(EventKind.LANE_CLOSED, now, reason=Reason.OPERATOR, who=who, detail=why)
        )
    lane.jobs.start()
    vision.frames.camera.start()
    return crash_loop


def _record_start(config: Config, store: Store, controller: Controller) -> CrashLoop:
    """Record how the last run ended and that this one begins; too many bad ends are a fault."""
    now, record, digest = time.monotonic(), controller.record, config.digest()
    newest = store.newest_run()
    if store.unclean is not None:
        last = store.unclean
        detail = f"last event {last.sequence}, {last.wall:%Y-%m-%d %H:%M:%S} UTC"
        record(Event(EventKind.UNCLEAN_END, now, detail=detail))
    if newest is not None and newest.origin.config not in ("", digest):
        changed = last_config.since(config.store.path, newest.origin.config, config)
        digests = f"{newest.origin.config[:12]} -> {digest[:12]}"
        detail = "; ".join([*map(str, changed)] or [digests])
        record(Event(EventKind.CONFIG_CHANGED, now, detail=detail))
    record(Event(EventKind.STARTED, now, detail=f"version {__version__}"))
    last_config.keep(config.store.path, config)
    service = config.service
    crash_loop = CrashLoop(crashes(store, service.crash_window_s), service, now)
    if crash_loop.suspected:
        fault = Signal(Trigger.FAULT, Reason.FAULT_CRASH_LOOP, detail=crash_loop.detail)
        controller.process(fault, now)
    return crash_loop


def open_jobs(config: Config, store: Store, closures: LaneClosures) -> Jobs:
    """The calendar, not started."""
    jobs = Jobs(config.lane.hours, closures.by_hours, zone=config.lane.zone)
    nightly.schedule(jobs, store, config.store)
    return jobs
