"""Fills a `Status` from the running parts. Called from the loop; it waits for nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from gate import __version__
from gate.core.domain import Reason
from gate.core.explain import Circumstances, explain
from gate.interfaces.status import (
    CameraHealth,
    Failure,
    FrameCost,
    InputState,
    LaneOrder,
    LogHealth,
    ModelInForce,
    SettingsInForce,
    Status,
)
from gate.service.parts import Parts
from gate.system.credentials import masked


def snapshot(parts: Parts, now: float, *, people: bool = False) -> Status:
    """How the gate is; without ``people`` no operator is named."""
    lane, rules = parts.lane.controller.lane, parts.lane.controller.rules
    return Status(
        version=__version__,
        gate=parts.config.gate.id,
        pid=os.getpid(),
        wall=datetime.now(UTC),
        uptime_s=now - parts.begun,
        state=lane.state,
        why=explain(rules, lane, _circumstances(parts, now)),
        since_s=now - (lane.since or parts.begun),
        visit=lane.visit,
        count=lane.count,
        needed=rules.frames,
        lane=_order(parts, people),
        faults=tuple(_failures(parts, now)),
        relay=parts.hardware.relay.position,
        inputs=tuple(InputState(*item) for item in parts.hardware.inputs.active().items()),
        camera=_camera(parts, now),
        work=_work(parts, now),
        watchdog=parts.health.report.watchdog(now),
        log=_log(parts),
        judging=ModelInForce(parts.vision.model, rules.threshold),
        settings=SettingsInForce(
            str(parts.path) if parts.path else None, parts.config.digest(), parts.loaded
        ),
        board=parts.health.board,
        events=parts.log.recent_events.happenings(people=people),
    )


def _circumstances(parts: Parts, now: float) -> Circumstances:
    return Circumstances(
        newest=parts.vision.frames.newest,
        closed_by=parts.lane.closures.closed_by,
        next_change=parts.lane.jobs.next_change(),
        details={part: failure_text(parts, part) for part, _ in parts.lane.controller.lane.faults},
        emergency_held=parts.hardware.signals.emergency_held(),
        lasted_s=now - (parts.lane.controller.lane.since or parts.begun),
    )


def _order(parts: Parts, people: bool) -> LaneOrder:
    closing, change = parts.lane.closures.closing, parts.lane.jobs.next_change()
    told = closing if people else None
    return LaneOrder(
        open=parts.lane.controller.lane.open,
        closed_by=parts.lane.closures.closed_by,
        who=told.who if told else None,
        why=told.why if told else None,
        next_change=change[0] if change else None,
        next_open=change[1] if change else None,
    )


def _failures(parts: Parts, now: float) -> Iterator[Failure]:
    for part, since in parts.lane.controller.lane.faults:
        yield Failure(part, failure_text(parts, part), now - since)


def failure_text(parts: Parts, part: Reason) -> str:
    """What is wrong with a part at fault, as it stands now."""
    live = {
        Reason.FAULT_CAMERA: parts.vision.frames.camera.problem,
        Reason.FAULT_CRASH_LOOP: parts.health.crash_loop.detail,
    }.get(part)
    return live or parts.lane.controller.details.get(part, "")


def _camera(parts: Parts, now: float) -> CameraHealth:
    frames = parts.vision.frames
    return CameraHealth(
        source=masked(str(parts.config.camera.source)),
        fps=frames.pictures.rate(now),
        fps_wanted=parts.config.camera.fps,
        judged=frames.judged,
        dropped=parts.inbox.dropped,
        late=frames.late,
        age_s=frames.age_s(now),
        problem=frames.camera.problem,
        stuck=frames.camera.stuck,
    )


def _work(parts: Parts, now: float) -> FrameCost:
    work = parts.vision.frames.work
    mean, worst = work.mean(now), work.worst(now)
    return FrameCost(None if mean is None else 1000 * mean, None if worst is None else 1000 * worst)


def _log(parts: Parts) -> LogHealth:
    store = parts.log.store if parts.log.file.is_open else None
    detail = store.set_aside.event.detail if store and store.set_aside else None
    return LogHealth(
        path=str(parts.log.file.path),
        sequence=store.sequence if store else 0,
        unwritten=parts.lane.controller.unwritten,
        set_aside=json.loads(detail)["file"] if detail else None,
    )
