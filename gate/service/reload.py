"""Changed settings, applied to the running gate: all of them at once, or none.

`prepare` does what takes time (reading, models) outside of the loop; `apply` is quick and cannot
fail half-way: it only puts prepared parts in their places.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate.config import Config, RelayMode, Unwritable
from gate.config.changes import Change, differences
from gate.config.load import load
from gate.core.domain import Event, EventKind
from gate.errors import ConfigError
from gate.hardware.from_config import open_camera_thread
from gate.service import last_config
from gate.service.jobs import Jobs
from gate.service.parts import Parts, open_jobs
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline
from gate.vision.pipeline import Pipeline

log = logging.getLogger(__name__)

RESTART = (
    "gate",
    "relay.pin_factory",
    "relay.pin",
    "relay.active_high",
    "relay.power_loss",
    "relay.on_emergency",
    "relay.mode",
    "outputs",
    "interlocks",
    "heartbeat",
    "inputs.emergency",
    "inputs.request_to_exit",
    "inputs.passage",
    "inputs.door",
    "inputs.tamper",
    "inputs.key_switch",
    "inputs.assist",
    "store.path",
    "control",
    "metrics",
)
"""Settings of what is claimed once, at the start: pins, the log's file, sockets."""
SEEING = (
    "face",
    "light",
    "eyes.method",
    "liveness",
    "smile.model",
    "camera.rotate",
    "camera.mirror",
)
"""A new pipeline is made for these."""
CAMERA = (
    "camera.source",
    "camera.width",
    "camera.height",
    "camera.fps",
    "camera.loop",
    "camera.stuck_after_s",
    "camera.retry_first_s",
    "camera.retry_max_s",
)

"""The camera is opened anew for these."""


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """A reload that is ready to be applied."""

    config: Config
    changes: tuple[Change, ...]
    smile: TFLiteClassifier | None
    """Another model, where there is one."""
    pipeline: Pipeline | None
    jobs: Jobs | None
    """Another calendar, armed, where the hours or the upkeep changed."""

    def close(self) -> None:
        """Let go of what was made for nothing."""
        if self.smile is not None:
            self.smile.close()
        if self.jobs is not None:
            self.jobs.close()


def _among(changes: tuple[Change, ...], names: tuple[str, ...]) -> Iterator[Change]:
    """The changes of these settings, or of settings within these sections."""
    for change in changes:
        if any(change.name == name or change.name.startswith(f"{name}.") for name in names):
            yield change


def prepare(parts: Parts, path: Path) -> ReloadPlan:
    """Read the file and make what its changes need; the parts are left as they are.

    Raises `GateError`: for a file with mistakes, and `ConfigError` where a change needs a restart.
    """
    old, config = parts.config, load(path)
    changes = differences(old, config)
    fixed = [change.name for change in _among(changes, RESTART)]
    if fixed:
        raise ConfigError(
            f"{path}: {', '.join(fixed)} can only change by a restart; nothing was changed."
            " Do it when no guest is there: sudo systemctl restart smile-gate"
        )
    smile = open_model(config) if any(_among(changes, ("smile.model",))) else None
    model = smile or parts.classifier
    pipeline = open_pipeline(config, model) if any(_among(changes, SEEING)) else None
    jobs = None
    if any(_among(changes, ("lane", "store"))):
        jobs = open_jobs(config, parts.store, parts.closures)
        jobs.arm()
    return ReloadPlan(config, changes, smile, pipeline, jobs)


def apply(parts: Parts, plan: ReloadPlan, who: str) -> str:
    """Put the plan in force, and record what changed. Called from the loop."""
    now = time.monotonic()
    if not plan.changes:
        return "nothing changed"
    config, old = plan.config, parts.config
    if plan.smile is not None:
        retired, parts.classifier = parts.classifier, plan.smile
    rules = config.rules(parts.classifier.card.threshold)
    parts.config, parts.loaded = config, datetime.now(UTC)
    parts.controller.rules = rules
    parts.controller.grants_unwritten = config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL
    parts.signals.latches = config.inputs.emergency_latches
    relay = config.relay
    pulse_s = relay.pulse_s if relay.mode is RelayMode.PULSE else None
    parts.relay.limit(max_open_s=relay.max_on_s, pulse_s=pulse_s)
    _watch_with(parts, plan)
    if plan.smile is not None:
        retired.close()
    parts.store.describe(
        config_hash=config.digest(),
        model_hash=parts.classifier.card.sha256,
        threshold=rules.threshold,
    )
    said = "; ".join(str(change) for change in plan.changes)
    parts.controller.record(Event(EventKind.CONFIG_CHANGED, now, who=who, detail=said))
    last_config.keep(config.store.path, config)
    if config.lane != old.lane:
        hours = "; ".join(str(change) for change in _among(plan.changes, ("lane",)))
        parts.controller.record(Event(EventKind.SCHEDULE_CHANGED, now, who=who, detail=hours))
    if plan.jobs is not None:
        parts.jobs.close()
        parts.jobs = plan.jobs
        parts.jobs.start()
    return f"{len(plan.changes)} changed: {said}"


def _watch_with(parts: Parts, plan: ReloadPlan) -> None:
    """Give the lookout the new camera and pipeline, where they are others."""
    lookout = parts.frames
    feed = None
    if any(_among(plan.changes, CAMERA)):
        feed = open_camera_thread(plan.config, parts.inbox, first=lookout.camera.sequence)
    stale_s = plan.config.camera.stale_after_s
    if feed or plan.pipeline or any(_among(plan.changes, ("camera",))):
        lookout.replace(feed=feed, pipeline=plan.pipeline, stale_s=stale_s)
    if feed:
        parts.inbox.discard()
