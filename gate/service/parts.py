"""All parts of a running gate, started in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
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
from gate.hardware.board import Board
from gate.hardware.board import read as read_board
from gate.hardware.from_config import (
    input_lines,
    lines_in_force,
    open_camera_thread,
    open_guard,
    open_indicators,
    open_lines,
    open_relay,
    record_folders,
)
from gate.hardware.guard import Guard
from gate.hardware.indicators import Indicators
from gate.hardware.input_lines import InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.pin_factory import pin_factory
from gate.hardware.relay import Relay
from gate.interfaces.metrics.from_config import open_meter
from gate.interfaces.metrics.meter import LoopTurn, Meter
from gate.service import last_config, nightly, operator_close
from gate.service.crash_loop import CrashLoop, crashes
from gate.service.frames import FrameProcessor
from gate.service.health import ClockWatch, ServiceReport
from gate.service.inbox import Inbox
from gate.service.jobs import Jobs
from gate.service.recent_events import RecentEvents
from gate.system.systemd import Notifier
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline

BOARD_S = 5.0
"""How often the board is asked how it is."""


@dataclass(slots=True)
class Parts:
    """What runs. Only the loop's thread changes it."""

    config: Config
    path: Path | None
    """The configuration's file."""
    begun: float
    loaded: datetime
    inbox: Inbox
    guard: Guard
    relay: Relay
    inputs: InputLines
    signals: InputSignals
    closures: LaneClosures
    indicators: Indicators
    classifier: TFLiteClassifier
    store: Store
    controller: Controller
    recent_events: RecentEvents
    frames: FrameProcessor
    jobs: Jobs
    report: ServiceReport
    meter: Meter
    crash_loop: CrashLoop
    clock: ClockWatch
    board: Board
    board_at: float

    def look_after(self, now: float) -> None:
        """What every turn of the loop looks after besides its frame."""
        self.signals.poll(now)
        self._look_after_guard(now)
        self.controller.tick(now)
        well = self.frames.supervise(now)
        if self.crash_loop.over(now):
            self.controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_CRASH_LOOP), now)
        if self.clock.jumped():
            self.jobs.clock_changed()
        if now - self.board_at >= BOARD_S:
            self.board, self.board_at = read_board(disk=self.config.store.path), now
        self.indicators.update(self.controller.lane.state, now)
        self.report.turn(self.controller.lane, now, well=well)
        self.meter.record_turn(self._turn(now))

    def _look_after_guard(self, now: float) -> None:
        self.guard.supervise(now)
        problem = self.guard.problem
        trigger = Trigger.RECOVERED if problem is None else Trigger.FAULT
        self.controller.process(Signal(trigger, Reason.FAULT_GUARD, detail=problem), now)

    def _turn(self, now: float) -> LoopTurn:
        """What the meter keeps of this turn."""
        lane, age_s = self.controller.lane, self.frames.age_s(now)
        return LoopTurn(
            now=now,
            state=lane.state,
            open=lane.open,
            faults=frozenset(part for part, _ in lane.faults),
            fresh_at=self.begun if age_s is None else now - age_s,
            dropped=self.inbox.dropped,
            unwritten=self.controller.unwritten,
            oldest_unwritten=self.controller.oldest_unwritten,
            pinged_at=self.report.pinged_at,
        )

    def stop(self) -> None:
        """Stop what a reload may have replaced."""
        self.frames.camera.close()
        self.jobs.close()
        self.classifier.close()


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
    begun = time.monotonic()
    # The lines first: one that an earlier run left driven goes to safety at once.
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
    opening = LaneClosures(inbox.post)
    wires = InputSignals(inputs, inbox.post, opening, latches=config.inputs.emergency_latches)

    def on_limit() -> None:
        detail = f"released by its limit of {relay.max_open_s:g} s"
        inbox.post(Signal(Trigger.FAULT, Reason.FAULT_RELAY, detail=detail))

    relay = open_relay(
        config, lines, on_limit=on_limit, emergency_held=wires.emergency_held, overseer=guard
    )
    stack.callback(relay.close)
    wires.connect(relay, input_lines(config))
    stack.callback(inputs.close)
    smile = open_model(config)
    store = open_store(
        config,
        config.store.path,
        card_threshold=smile.card.threshold,
        model_hash=smile.card.sha256,
    )
    stack.callback(store.close)
    history, panel = RecentEvents(store), open_indicators(config, lines)
    meter = open_meter(config, notifier.watchdog_s, smile.card.sha256)
    stack.callback(meter.close)

    def tell(event: Event) -> None:
        history.add(event)
        meter.record_event(event)
        panel.record_event(event.kind, event.monotonic)
        on_event(event)

    control = Controller(
        config.rules(smile.card.threshold),
        meter.timed(store),
        relay,
        lane=Lane(next_visit=store.next_visit()),
        grants_unwritten=config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL,
        on_event=tell,
    )
    closing, logged = operator_close.find(store, config.store.path)
    opening.by_operator(closing)
    pipeline = open_pipeline(config, smile)
    parts = Parts(
        config=config,
        path=path,
        begun=begun,
        loaded=datetime.now(UTC),
        inbox=inbox,
        guard=guard,
        relay=relay,
        inputs=inputs,
        signals=wires,
        closures=opening,
        indicators=panel,
        classifier=smile,
        store=store,
        controller=control,
        recent_events=history,
        frames=FrameProcessor(
            open_camera_thread(config, inbox),
            pipeline,
            control,
            config.camera.stale_after_s,
            on_frame,
            meter,
        ),
        jobs=open_jobs(config, store, opening),
        report=ServiceReport(notifier, begun),
        meter=meter,
        crash_loop=CrashLoop(0, config.service, begun),
        clock=ClockWatch(),
        board=read_board(disk=config.store.path),
        board_at=begun,
    )
    stack.callback(parts.stop)
    _note_start(parts)
    if closing is not None and not logged:
        control.record(
            Event(
                EventKind.LANE_CLOSED,
                time.monotonic(),
                reason=Reason.OPERATOR,
                who=closing.who,
                detail=closing.why,
            )
        )
    parts.jobs.start()
    parts.frames.camera.start()
    return parts


def open_jobs(config: Config, store: Store, opening: LaneClosures) -> Jobs:
    """The calendar, not started."""
    jobs = Jobs(config.lane.hours, opening.by_hours, zone=config.lane.zone)
    nightly.schedule(jobs, store, config.store)
    return jobs


def _note_start(parts: Parts) -> None:
    """Record how the last run ended and that this one begins; too many bad ends are a fault."""
    now, store, note = time.monotonic(), parts.store, parts.controller.record
    digest = parts.config.digest()
    newest = store.newest_run()
    if store.unclean is not None:
        last = store.unclean
        detail = f"last event {last.sequence}, {last.wall:%Y-%m-%d %H:%M:%S} UTC"
        note(Event(EventKind.UNCLEAN_END, now, detail=detail))
    if newest is not None and newest.origin.config not in ("", digest):
        changed = last_config.since(parts.config.store.path, newest.origin.config, parts.config)
        digests = f"{newest.origin.config[:12]} -> {digest[:12]}"
        detail = "; ".join([*map(str, changed)] or [digests])
        note(Event(EventKind.CONFIG_CHANGED, now, detail=detail))
    note(Event(EventKind.STARTED, now, detail=f"version {__version__}"))
    last_config.keep(parts.config.store.path, parts.config)
    service = parts.config.service
    parts.crash_loop = CrashLoop(crashes(store, service.crash_window_s), service, now)
    if parts.crash_loop.suspected:
        detail = parts.crash_loop.detail
        parts.controller.process(Signal(Trigger.FAULT, Reason.FAULT_CRASH_LOOP, detail=detail), now)
