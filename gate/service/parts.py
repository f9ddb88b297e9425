"""All parts of a running gate, in groups."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate.audit import Store
from gate.config import Config
from gate.core.controller import Controller
from gate.core.domain import Reason, Signal, State, Trigger
from gate.core.lane_closures import LaneClosures
from gate.hardware.board import Board
from gate.hardware.board import read as read_board
from gate.hardware.guard import Guard
from gate.hardware.indicators import Indicators
from gate.hardware.input_lines import InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.relay import Relay
from gate.interfaces.metrics.meter import LoopTurn, Meter
from gate.service.crash_loop import CrashLoop
from gate.service.frames import FrameProcessor
from gate.service.health import ClockWatch, ServiceReport
from gate.service.inbox import Inbox
from gate.service.jobs import Jobs
from gate.service.log_file import LogFile
from gate.service.log_writer import LogWriter
from gate.service.model_loader import ModelLoader
from gate.service.recent_events import RecentEvents
from gate.system.emergency_latch import EmergencyLatch
from gate.vision.classifier import TFLiteClassifier

log = logging.getLogger(__name__)

EMERGENCY = "emergency input"
"""Why the latch is set."""
ENDS_AFTER_S = 45.0
"""A run ends itself for its camera no sooner: systemd allows ten starts in five minutes (the unit),
and a gate that is at fault still lets people out."""
BOARD_S = 5.0
"""How often the board is asked how it is."""


@dataclass(frozen=True, slots=True)
class HardwareParts:
    """The lines out and in, what moves or reads them, and the guard that outlives the gate."""

    guard: Guard
    relay: Relay
    inputs: InputLines
    signals: InputSignals
    indicators: Indicators


@dataclass(frozen=True, slots=True)
class LogParts:
    """Where it is kept what happens: for good, for who asks now, and in figures."""

    file: LogFile
    writer: LogWriter
    recent_events: RecentEvents
    meter: Meter

    @property
    def store(self) -> Store:
        """The open log; raises `StoreError` where it could not be opened yet."""
        return self.file.store

    def close(self) -> None:
        """Write the rest and let go of the file; a log that hangs is left behind."""
        if self.writer.close():
            self.file.close()


@dataclass(slots=True)
class LaneParts:
    """What decides: of guests, and of whether the lane is open."""

    controller: Controller
    closures: LaneClosures
    jobs: Jobs

    def close(self) -> None:
        """Stop the calendar, also one that a reload made."""
        self.jobs.close()


@dataclass(slots=True)
class VisionParts:
    """What sees."""

    classifier: TFLiteClassifier | None
    """The model; None as long as it can't be loaded."""
    frames: FrameProcessor

    @property
    def model(self) -> str:
        """SHA-256 of the model file; empty where there is none."""
        return self.classifier.card.sha256 if self.classifier else ""

    @property
    def card_threshold(self) -> float:
        """The threshold of its card; without a model nothing qualifies anyway."""
        return self.classifier.card.threshold if self.classifier else 1.0

    def close(self) -> None:
        """Stop camera and model, also those that a reload made."""
        self.frames.camera.close()
        if self.classifier is not None:
            self.classifier.close()


@dataclass(slots=True)
class HealthParts:
    """What watches over the gate itself."""

    report: ServiceReport
    crash_loop: CrashLoop
    clock: ClockWatch
    board: Board
    board_at: float
    """When the board was asked last, monotonic s."""
    latch: EmergencyLatch
    """What remembers an emergency beyond the process."""
    latched: bool
    """Whether it was told of one."""
    loader: ModelLoader


@dataclass(slots=True)
class Parts:
    """What runs. Only the loop's thread changes it."""

    config: Config
    path: Path | None
    """The configuration's file."""
    begun: float
    """When the start began, monotonic s."""
    loaded: datetime
    """When the configuration in force was loaded."""
    inbox: Inbox
    hardware: HardwareParts
    log: LogParts
    lane: LaneParts
    vision: VisionParts
    health: HealthParts

    def look_after(self, now: float) -> None:
        """Do what is due at every turn of the loop, whether there is a frame or not."""
        controller, health = self.lane.controller, self.health
        self.hardware.signals.poll(now)
        self._look_after_guard(now)
        controller.tick(now)
        self.latch_emergency()
        if self.vision.classifier is None:
            health.loader.supervise(self.config, now)
        well = self.vision.frames.supervise(now)
        if health.crash_loop.over(now):
            controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_CRASH_LOOP), now)
        self.lane.jobs.supervise(now)
        self.log.writer.supervise(now)
        if health.clock.jumped():
            self.lane.jobs.clock_changed()
        if now - health.board_at >= BOARD_S:
            health.board, health.board_at = read_board(disk=self.config.store.path), now
        self.hardware.indicators.update(controller.lane.state, now)
        health.report.turn(controller.lane, now, well=well)
        self.log.meter.record_turn(self._turn(now))

    def _look_after_guard(self, now: float) -> None:
        guard = self.hardware.guard
        guard.supervise(now)
        trigger = Trigger.RECOVERED if guard.problem is None else Trigger.FAULT
        signal = Signal(trigger, Reason.FAULT_GUARD, detail=guard.problem)
        self.lane.controller.process(signal, now)

    def hung(self, now: float) -> str | None:
        """Why only a restart frees the camera, once one harms nobody: no hold, no emergency."""
        camera, state = self.vision.frames.camera, self.lane.controller.lane.state
        early = now - self.begun < ENDS_AFTER_S
        if early or state not in (State.FAULT, State.CLOSED) or not camera.hung:
            return None
        return camera.problem

    def latch_emergency(self) -> None:
        """Keep for the next start that there is an emergency, or that it was cleared."""
        wanted = self.lane.controller.lane.state is State.EMERGENCY
        if wanted is self.health.latched:
            return
        self.health.latched = wanted
        self._set_latch(self.health.latch.in_memory)
        self.log.writer.do(lambda: self._set_latch(self.health.latch.on_card), first=True)

    def _set_latch(self, latch: EmergencyLatch) -> None:
        """Have it say what holds now, whatever held when this was asked for."""
        try:
            if self.health.latched:
                latch.set(EMERGENCY)
            else:
                latch.clear()
        except OSError as error:
            log.error("the emergency stays latched for the next start: %s", error)

    def _turn(self, now: float) -> LoopTurn:
        """How things stand now, as the meter keeps it."""
        controller, age_s = self.lane.controller, self.vision.frames.age_s(now)
        return LoopTurn(
            now=now,
            state=controller.lane.state,
            open=controller.lane.open,
            faults=frozenset(part for part, _ in controller.lane.faults),
            fresh_at=self.begun if age_s is None else now - age_s,
            dropped=self.inbox.dropped,
            unwritten=controller.unwritten,
            oldest_unwritten=controller.oldest_unwritten,
            pinged_at=self.health.report.pinged_at,
        )
