"""The beginning of a run: what is recorded of it, and what is taken up once a late part is there.

The log, an operator's close, a standing emergency and the crashes before are asked here; so are a
log and a model that could be opened only after the start.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from gate import __version__
from gate.config import Config
from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Reason, Signal, Trigger
from gate.core.lane_closures import OperatorClose
from gate.errors import RelayError
from gate.hardware.relay import Relay
from gate.service import last_config, operator_close
from gate.service.crash_loop import CrashLoop
from gate.service.earlier_runs import EarlierRuns
from gate.service.model_loader import Seeing
from gate.service.parts import HardwareParts, LaneParts, LogParts, Parts
from gate.system.emergency_latch import EmergencyLatch
from gate.vision.classifier import TFLiteClassifier

logger = logging.getLogger(__name__)


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
    earlier = log.file.earlier
    closing, logged = operator_close.find(earlier.operators_word, log_file)
    if closing is not None:
        lane.closures.resume(closing)
    now = time.monotonic()
    for event in earlier.ended(config):
        controller.record(event)
    controller.record(Event(EventKind.STARTED, now, detail=f"version {__version__}"))
    last_config.keep(log_file, config, path)
    if latch.is_set() or earlier.in_emergency:
        resume_emergency(controller, hardware, now, latches=config.inputs.emergency_latches)
    crash_loop = CrashLoop(config.service, now)
    suspect(controller, crash_loop, earlier.crashes, now)
    if closing is not None and not logged:
        controller.record(_closed(closing))
    return crash_loop


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


def take_up_log(parts: Parts, earlier: EarlierRuns) -> None:
    """Go on from what a log says that could be opened only now; called from the loop.

    What was said since the start is newer: an operator's word, or the end of an emergency.
    """
    now, controller = time.monotonic(), parts.lane.controller
    closing = operator_close.logged(earlier.operators_word)
    if closing is not None and parts.lane.closures.resume(closing):
        closed = Signal(Trigger.CLOSED, Reason.OPERATOR, who=closing.who, detail=closing.why)
        controller.process(closed, now)
    if earlier.in_emergency and not controller.emergency_ended:
        latches = parts.config.inputs.emergency_latches
        resume_emergency(controller, parts.hardware, now, latches=latches)
    suspect(controller, parts.health.crash_loop, earlier.crashes, now)


def suspect(controller: Controller, crash_loop: CrashLoop, crashes: int, now: float) -> None:
    """Keep the lane shut after so many crashes, until this run has proven good."""
    if crash_loop.learn(crashes, now):
        fault = Signal(Trigger.FAULT, Reason.FAULT_CRASH_LOOP, detail=crash_loop.detail)
        controller.process(fault, now)


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
