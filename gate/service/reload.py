"""Changed settings, applied to the running gate: all of them at once, or none.

`prepare` does what takes time (reading, models) outside of the loop; `apply` is quick and cannot
fail half-way: it only puts prepared parts in their places. What a change needs, its setting's field
says (`Applied`).
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate.config import Applied, Config, RelayMode, Unwritable
from gate.config.changes import Change, differences
from gate.config.load import read
from gate.config.settings import applied
from gate.core.domain import Event, EventKind, Reason, Signal, Trigger
from gate.errors import ConfigError, ModelError
from gate.hardware.camera_names import missing
from gate.hardware.from_config import open_camera_thread
from gate.service import last_config
from gate.service.jobs import Jobs
from gate.service.parts import Parts
from gate.service.start import open_jobs
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline
from gate.vision.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """A reload that is ready to be applied."""

    config: Config
    changes: tuple[Change, ...]
    needs: frozenset[Applied]
    """What the changes ask for."""
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


def prepare(parts: Parts, path: Path) -> ReloadPlan:
    """Read the file and make what its changes need; the parts are left as they are.

    Raises `GateError`: for a file with mistakes, and `ConfigError` where a change needs a restart
    or names a camera that is not there, for which the one that works would be given up.
    """
    old, (config, tree) = parts.config, read(path)
    changes = differences(old, config)
    gone = None
    if config.camera.source != old.camera.source:
        gone = missing(config.camera.source)
    if gone is not None:
        raise ConfigError(
            f"{path}:{tree.line(('camera', 'source'))}: 'camera.source' {gone.text}; nothing was"
            " changed"
        )
    fixed = [change.name for change in changes if applied(change.name) is Applied.RESTART]
    if fixed:
        raise ConfigError(
            f"{path}: {', '.join(fixed)} can only change by a restart; nothing was changed."
            " Do it when no guest is there: sudo systemctl restart smile-gate"
        )
    needs = frozenset(applied(change.name) for change in changes)
    smile = pipeline = jobs = None
    with ExitStack() as made:  # let go of again where a later part fails
        model, another = parts.vision.classifier, config.smile.model != old.smile.model
        if model is None or Applied.PIPELINE in needs:
            try:
                used = model
                if used is None or another:
                    used = smile = made.enter_context(closing(open_model(config)))
                pipeline = open_pipeline(config, used)
            except ModelError:
                if model is not None or another:
                    raise
                smile = None  # it goes on being tried; the other settings need not wait for it
        if config.lane != old.lane or config.store != old.store:
            jobs = open_jobs(config, parts.log.file, parts.lane.closures)
            jobs.arm()
            made.callback(jobs.close)
        made.pop_all()
    return ReloadPlan(config, changes, needs, smile, pipeline, jobs)


def apply(parts: Parts, plan: ReloadPlan, who: str) -> str:
    """Put the plan in force, and record what changed. Called from the loop."""
    now = time.monotonic()
    parts.lane.controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_SETTINGS, who=who), now)
    if not plan.changes and plan.smile is None:
        return "nothing changed"
    config, old = plan.config, parts.config
    retired = None
    if plan.smile is not None:
        retired, parts.vision.classifier = parts.vision.classifier, plan.smile
    rules = config.rules(parts.vision.card_threshold)
    parts.config, parts.loaded = config, datetime.now(UTC)
    parts.lane.controller.rules = rules
    parts.lane.controller.grants_unwritten = (
        config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL
    )
    parts.hardware.signals.latches = config.inputs.emergency_latches
    relay = config.relay
    pulse_s = relay.pulse_s if relay.mode is RelayMode.PULSE else None
    parts.hardware.relay.limit(max_open_s=relay.max_on_s, pulse_s=pulse_s)
    parts.health.crash_loop.limits = config.service
    _watch_with(parts, plan)
    if retired is not None:
        retired.close()
    parts.log.file.describe(
        config, card_threshold=parts.vision.card_threshold, model_hash=parts.vision.model
    )
    parts.log.meter.describe(model=parts.vision.model, fps_wanted=config.camera.fps)
    if plan.smile is not None:
        parts.lane.controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_MODEL), now)
    if not plan.changes:
        return "nothing changed, but the model could be loaded"
    said = "; ".join(str(change) for change in plan.changes)
    parts.lane.controller.record(Event(EventKind.CONFIG_CHANGED, now, who=who, detail=said))
    parts.log.writer.do(lambda: last_config.keep(config.store.path, config, parts.path))
    if config.lane != old.lane:
        lane = [change for change in plan.changes if change.name.startswith("lane.")]
        hours = "; ".join(str(change) for change in lane)
        parts.lane.controller.record(Event(EventKind.SCHEDULE_CHANGED, now, who=who, detail=hours))
    if plan.jobs is not None:
        parts.lane.jobs.close()
        parts.lane.jobs = plan.jobs
        parts.lane.jobs.start()
    return f"{len(plan.changes)} changed: {said}"


def _watch_with(parts: Parts, plan: ReloadPlan) -> None:
    """Give the frame processor the new camera and pipeline, where they are others."""
    frames = parts.vision.frames
    camera = None
    if Applied.CAMERA in plan.needs:
        camera = open_camera_thread(plan.config, parts.inbox, first=frames.camera.sequence)
    stale_s = plan.config.camera.stale_after_s
    frames.replace(camera=camera, pipeline=plan.pipeline, stale_s=stale_s, now=time.monotonic())
    if camera:
        parts.inbox.discard()
