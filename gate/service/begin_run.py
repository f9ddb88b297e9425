"""The beginning of a run: what is recorded of it, and what is taken up once a late part is there.

The log, an operator's close, a standing emergency and the crashes before are asked here; so are a
log and a model that could be opened only after the start.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from gate import __version__
from gate.audit import Store
from gate.config import Config
from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Reason, Signal, State, Trigger
from gate.core.lane_closures import OperatorClose
from gate.errors import RelayError
from gate.hardware.relay import Relay
from gate.service import last_config, operator_close
from gate.service.crash_loop import CrashLoop, crashes
from gate.service.inbox import Call
from gate.service.model_loader import Seeing
from gate.service.parts import HardwareParts, LaneParts, LogParts, Parts
from gate.system.emergency_latch import EmergencyLatch
from gate.vision.classifier import TFLiteClassifier

logger = logging.getLogger(__name__)

_RECENT = 100
"""Events that are looked at: those of nightly upkeep and of commands say nothing of the lane."""


def begin_run(
    config: Config,
    path: Path | None,
    log: LogParts,
    lane: LaneParts,
    hardware: HardwareParts,
    latch: EmergencyLatch,
) -> CrashLoop:
    """Last the run begins and is recorded: only then the hours and the camera may move the lane."""
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
    return crash_loop


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


def stands_in(store: Store) -> bool:
    """Whether the log ends in an emergency: one that nobody cleared outlives crash and restart."""
    newest = store.records(limit=_RECENT, newest_first=True)
    states = (record.event.after for record in newest if record.event.after is not None)
    return next(states, None) is State.EMERGENCY


def resume_emergency(
    controller: Controller, hardware: HardwareParts, now: float, *, latches: bool
) -> None:
    """Go on with an emergency that nobody cleared, until somebody does."""
    trip(hardware.relay)
    detail = "not cleared before this start"
    controller.process(Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT, detail=detail), now)
    if not latches and not hardware.signals.emergency_held():
        controller.process(Signal(Trigger.EMERGENCY_CLEARED), now)


def note_faults(
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


def install_model(parts: Parts, seeing: Seeing) -> None:
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
    model, threshold = named(classifier)
    parts.log.file.describe(config, card_threshold=threshold, model_hash=model)
    parts.log.meter.describe(model=model, fps_wanted=config.camera.fps)
    parts.lane.controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_MODEL), now)


def take_up_log(parts: Parts, store: Store) -> list[Event]:
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


def trip(relay: Relay) -> None:
    """Move the relay for an emergency; one that cannot be driven is tried again by the loop."""
    try:
        relay.trip()
    except RelayError as error:  # the lane will be at fault, and try again
        logger.critical("in an emergency: %s", error)


def named(classifier: TFLiteClassifier) -> tuple[str, float]:
    """The digest and the threshold of the model, as the log and the rules want them."""
    return classifier.card.sha256, classifier.card.threshold


def _closed(closing: OperatorClose) -> Event:
    return Event(
        EventKind.LANE_CLOSED,
        time.monotonic(),
        reason=Reason.OPERATOR,
        who=closing.who,
        detail=closing.why,
    )
