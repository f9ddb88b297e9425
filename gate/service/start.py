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

from gate import __version__
from gate.audit import Store
from gate.config import Config, Unwritable
from gate.core.closures import LaneClosures, OperatorClose
from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Observation, Reason, Signal, Trigger
from gate.core.transitions import Lane
from gate.errors import RelayError
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
from gate.hardware.relay import Relay
from gate.interfaces.metrics.from_config import open_meter
from gate.service import last_config, nightly, operator_close
from gate.service.crash_loop import CrashLoop, crashes
from gate.service.frames import FrameProcessor
from gate.service.health import ClockWatch, ServiceReport
from gate.service.inbox import Call, Inbox
from gate.service.jobs import Jobs
from gate.service.log_file import LogFile
from gate.service.log_writer import LogWriter
from gate.service.model_loader import ModelLoader, Seeing
from gate.service.model_loader import load as load_model
from gate.service.parts import HardwareParts, HealthParts, LaneParts, LogParts, Parts, VisionParts
from gate.service.recent_events import RecentEvents
from gate.service.standing_emergency import stands_in
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
    hardware = _claim_lines(config, factory, inbox, closures, latch, stack)
    seeing = load_model(config)
    classifier, pipeline = (None, None) if isinstance(seeing, str) else seeing
    log = _open_log(config, classifier, notifier, inbox, stack)
    lane = _open_lane(config, classifier, hardware, log, closures, on_event)
    stack.callback(lane.close)
    vision = _open_vision(config, classifier, pipeline, inbox, lane.controller, on_frame)
    stack.callback(vision.close)
    crash_loop, standing = _begin_run(config, path, log, lane, hardware, latch)
    _note_faults(lane.controller, log, seeing, damaged)
    loader = ModelLoader(inbox, lambda seen: _install_model(parts, seen), begun)
    health = HealthParts(
        report=ServiceReport(notifier, begun),
        crash_loop=crash_loop,
        clock=ClockWatch(),
        board=read_board(disk=config.store.path),
        board_at=begun,
        latch=latch,
        latched=standing,
        loader=loader,
    )
    parts = Parts(config, path, begun, loaded, inbox, hardware, log, lane, vision, health)
    log.file.on_late_opening = lambda store: _take_up_log(parts, store)
    lane.jobs.start()
    vision.frames.camera.start()
    return parts


def _claim_lines(
    config: Config,
    factory: Any,
    inbox: Inbox,
    closures: LaneClosures,
    latch: EmergencyLatch,
    stack: ExitStack,
) -> HardwareParts:
    """First the lines: one that an earlier run left driven goes to safety at once.

    And the emergency input moves the relay from here on, before anything is opened that can take
    its time; so does an emergency that was not cleared.
    """
    lines_file.write(record_folders(config), lines_in_force(config))
    factory = factory or pin_factory(config.relay.pin_factory)
    guard = open_guard(config)
    stack.callback(guard.close)
    lines = open_lines(config, factory, emergency=latch.is_set())

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
    if latch.is_set():
        _trip(relay)
    signals.connect(relay, input_lines(config))
    stack.callback(inputs.close)
    return HardwareParts(guard, relay, inputs, signals, open_indicators(config, lines))


def _trip(relay: Relay) -> None:
    try:
        relay.trip()
    except RelayError as error:  # the lane will be at fault, and try again
        logger.critical("in an emergency: %s", error)


def _open_log(
    config: Config,
    classifier: TFLiteClassifier | None,
    notifier: Notifier,
    inbox: Inbox,
    stack: ExitStack,
) -> LogParts:
    """Second the log, whose rows name the model: nobody is let in without it."""
    model, threshold = ("", 1.0) if classifier is None else _named(classifier)
    file = LogFile(config, card_threshold=threshold, model_hash=model)
    meter = open_meter(config, notifier.watchdog_s, model)
    stack.callback(meter.close)
    recent = RecentEvents(file.store if file.open() else None)
    parts = LogParts(file, LogWriter(meter.timed(file), inbox.post), recent, meter)
    stack.callback(parts.close)
    return parts


def _named(classifier: TFLiteClassifier) -> tuple[str, float]:
    return classifier.card.sha256, classifier.card.threshold


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
        lane=Lane(next_visit=log.store.next_visit() if log.file.is_open else 1),
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


def _begin_run(
    config: Config,
    path: Path | None,
    log: LogParts,
    lane: LaneParts,
    hardware: HardwareParts,
    latch: EmergencyLatch,
) -> tuple[CrashLoop, bool]:
    """Last the run begins and is recorded: only then the hours and the camera may move the lane.

    Also whether an emergency stands that an earlier run left.
    """
    controller, log_file = lane.controller, config.store.path
    store = log.store if log.file.is_open else None
    closing, logged = operator_close.find(store, log_file)
    standing = latch.is_set() or (store is not None and stands_in(store))
    lane.closures.by_operator(closing)
    now, unclean = time.monotonic(), 0
    for event in [] if store is None else ended(config, store, now):
        controller.record(event)
    controller.record(Event(EventKind.STARTED, now, detail=f"version {__version__}"))
    last_config.keep(log_file, config, path)
    if standing:
        resume_emergency(controller, hardware, now, latches=config.inputs.emergency_latches)
    if store is not None:
        unclean = crashes(store, config.service.crash_window_s)
    crash_loop = CrashLoop(unclean, config.service, now)
    if crash_loop.suspected:
        fault = Signal(Trigger.FAULT, Reason.FAULT_CRASH_LOOP, detail=crash_loop.detail)
        controller.process(fault, now)
    if closing is not None and not logged:
        controller.record(_closed(closing))
    return crash_loop, standing


def ended(config: Config, store: Store, now: float) -> list[Event]:
    """How the last run ended, and what is set otherwise since."""
    events, digest, newest = [], config.digest(), store.newest_run()
    if store.unclean is not None:
        last = store.unclean
        detail = f"last event {last.sequence}, {last.wall:%Y-%m-%d %H:%M:%S} UTC"
        events.append(Event(EventKind.UNCLEAN_END, now, detail=detail))
    if newest is not None and newest.origin.config not in ("", digest):
        changed = last_config.since(config.store.path, newest.origin.config, config)
        digests = f"{newest.origin.config[:12]} -> {digest[:12]}"
        detail = "; ".join([*map(str, changed)] or [digests])
        events.append(Event(EventKind.CONFIG_CHANGED, now, detail=detail))
    return events


def resume_emergency(
    controller: Controller, hardware: HardwareParts, now: float, *, latches: bool
) -> None:
    """Go on with an emergency that nobody cleared, until somebody does."""
    _trip(hardware.relay)
    detail = "not cleared before this start"
    controller.process(Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT, detail=detail), now)
    if not latches and not hardware.signals.emergency_held():
        controller.process(Signal(Trigger.EMERGENCY_CLEARED), now)


def _note_faults(
    controller: Controller, log: LogParts, seeing: Seeing | str, damaged: str | None
) -> None:
    """A part that could not be started is at fault from the start."""
    now = time.monotonic()
    found = {
        Reason.FAULT_SETTINGS: damaged,
        Reason.FAULT_MODEL: seeing if isinstance(seeing, str) else None,
        Reason.FAULT_STORE: None if log.file.is_open else log.file.problem,
    }
    for part, problem in found.items():
        if problem is not None:
            controller.process(Signal(Trigger.FAULT, part, detail=problem), now)


def _install_model(parts: Parts, seeing: Seeing) -> None:
    """Take the model that could be loaded at last; called from the loop."""
    classifier, pipeline = seeing
    if parts.vision.classifier is not None:  # a reload was faster
        classifier.close()
        return
    now, config = time.monotonic(), parts.config
    parts.vision.classifier = classifier
    parts.lane.controller.rules = config.rules(classifier.card.threshold)
    parts.vision.frames.replace(
        camera=None, pipeline=pipeline, stale_s=config.camera.stale_after_s, now=now
    )
    model, threshold = _named(classifier)
    parts.log.file.describe(config, card_threshold=threshold, model_hash=model)
    parts.log.meter.describe(model=model, fps_wanted=config.camera.fps)
    parts.lane.controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_MODEL), now)


def _take_up_log(parts: Parts, store: Store) -> list[Event]:
    """What a log says that could be opened only now; called from its thread."""
    closing, logged = operator_close.find(store, parts.config.store.path)
    standing = stands_in(store)
    events = ended(parts.config, store, time.monotonic())

    def take_up() -> None:
        now = time.monotonic()
        if closing is not None and logged and parts.lane.closures.closing is None:
            parts.lane.closures.by_operator(closing)
            closed = Signal(Trigger.CLOSED, Reason.OPERATOR, who=closing.who, detail=closing.why)
            parts.lane.controller.process(closed, now)
        if standing:
            latches = parts.config.inputs.emergency_latches
            resume_emergency(parts.lane.controller, parts.hardware, now, latches=latches)

    parts.inbox.post(Call(take_up))
    return events


def _closed(closing: OperatorClose) -> Event:
    return Event(
        EventKind.LANE_CLOSED,
        time.monotonic(),
        reason=Reason.OPERATOR,
        who=closing.who,
        detail=closing.why,
    )


def open_jobs(config: Config, file: LogFile, closures: LaneClosures) -> Jobs:
    """The calendar, not started."""
    jobs = Jobs(config.lane.hours, closures.by_hours, zone=config.lane.zone)
    nightly.schedule(jobs, lambda: file.store, config.store)
    return jobs
