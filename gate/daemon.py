"""The daemon: starts the parts in order, runs the loop, stops them in reverse."""

from __future__ import annotations

import logging
import signal as signals
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

from gate import __version__, housekeeping
from gate.controller import Controller
from gate.describe import describe, fields, level, without_person
from gate.domain import Event, EventKind, Frame, Observation, Reason, Signal, Trigger
from gate.health import ClockWatch, CrashLoop, Report, crashes
from gate.inbox import Inbox
from gate.inputs import Inputs
from gate.jobs import Jobs
from gate.machine import deadline
from gate.meter import Outcome, Turn
from gate.parts import (
    contacts,
    open_feed,
    open_lines,
    open_meter,
    open_model,
    open_panel,
    open_pipeline,
    open_relay,
    open_store,
)
from gate.pins import pin_factory
from gate.settings import Config, Unwritable
from gate.store import Store
from gate.systemd import Notifier
from gate.table import RESTING, Lane
from gate.vision.motion import FrozenCamera
from gate.wires import Wires

log = logging.getLogger(__name__)

NAP_S = 0.2
"""The longest wait for a frame or a signal: how late a stop may be noticed."""


class Daemon:
    """One gate, from its camera to its relay. Build it, `run` it; `stop` may come from anywhere."""

    def __init__(
        self,
        config: Config,
        *,
        factory: Any = None,
        notifier: Notifier | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        on_frame: Callable[[Observation, Lane], None] = lambda observation, lane: None,
    ) -> None:
        """``factory`` is the pin factory, None for the configured one."""
        self._config = config
        self._stale_s = config.camera.stale_after_s
        self._factory = factory
        self._notifier = notifier or Notifier()
        self._on_event = on_event
        self._on_frame = on_frame
        self._inbox = Inbox()
        self._stopping = False
        self._fresh_at = 0.0
        self._seen = False
        self._resting = True
        self._frozen = FrozenCamera()
        self._clock = ClockWatch()

    def stop(self, *_: int | FrameType | None) -> None:
        """End the loop at its next turn; a signal handler may call it."""
        self._stopping = True

    def post(self, signal: Signal) -> None:
        """Hand a signal to the loop, from any thread."""
        self._inbox.post(signal)

    def run(self) -> None:
        """Run until stopped, or until a clip is over. Raises `GateError` if a part can't start."""
        started = time.monotonic()
        for number in (signals.SIGTERM, signals.SIGINT, signals.SIGHUP):
            signals.signal(number, self.stop)
        with ExitStack() as parts:
            self._start(parts)
            log.info("started in %.2f s", time.monotonic() - started)
            try:
                self._loop()
            finally:
                self._notifier.stopping()
                self._control.take(Signal(Trigger.STOPPED), time.monotonic())
        log.info("stopped")

    def _start(self, parts: ExitStack) -> None:
        """Start the parts in order; the stack ends them in reverse."""
        config = self._config
        parts.callback(self._notifier.close)
        # The lines first: one that an earlier run left driven goes to safety at once.
        factory = self._factory or pin_factory(config.relay.pin_factory)
        lines = open_lines(config, factory)
        parts.callback(lines.close)
        inputs = Inputs(factory)
        wires = Wires(inputs, self.post, latches=config.inputs.emergency_latches)
        self._relay = open_relay(
            config, lines, on_limit=self._on_limit, emergency_held=wires.emergency_held
        )
        parts.callback(self._relay.close)
        wires.connect(self._relay, contacts(config))
        parts.callback(inputs.close)
        self._panel = open_panel(config, lines)
        smile = open_model(config)
        parts.callback(smile.close)
        store = open_store(config, smile, config.store.path)
        parts.callback(store.close)
        self._meter = open_meter(config, self._notifier.watchdog_s, smile.card.sha256)
        parts.callback(self._meter.close)
        self._pipeline = open_pipeline(config, smile)
        self._control = Controller(
            config.rules(smile.card.threshold),
            self._meter.timed(store),
            self._relay,
            lane=Lane(next_visit=store.next_visit()),
            grants_unwritten=config.store.when_unwritable is Unwritable.GRANT_AND_JOURNAL,
            on_event=self._tell,
        )
        self._note_start(store, config.digest())
        self._jobs = Jobs(config.lane.hours, wires.on_hours, zone=config.lane.zone)
        housekeeping.schedule(self._jobs, store, config.store)
        self._jobs.start()
        parts.callback(self._jobs.close)
        self._report = Report(self._notifier)
        self._feed = open_feed(config, self._inbox)
        self._feed.start()
        parts.callback(self._feed.close)

    def _note_start(self, store: Store, digest: str) -> None:
        """Record how the last run ended and that this one begins; too many bad ends are a fault."""
        now = time.monotonic()
        newest = next(iter(store.records(limit=1, newest_first=True)), None)
        if store.unclean is not None:
            last = store.unclean
            detail = f"last event {last.sequence}, {last.wall:%Y-%m-%d %H:%M:%S} UTC"
            self._control.note(Event(EventKind.UNCLEAN_END, now, detail=detail))
        if newest is not None and newest.origin.config not in ("", digest):
            detail = f"{newest.origin.config[:12]} -> {digest[:12]}"
            self._control.note(Event(EventKind.CONFIG_CHANGED, now, detail=detail))
        self._control.note(Event(EventKind.STARTED, now, detail=f"version {__version__}"))
        service = self._config.service
        self._crash_loop = CrashLoop(crashes(store, service.crash_window_s), service, now)
        if self._crash_loop.suspected:
            self._fault(Reason.FAULT_CRASH_LOOP, self._crash_loop.detail)

    def _on_limit(self) -> None:
        detail = f"released by its limit of {self._config.relay.max_on_s:g} s"
        self.post(Signal(Trigger.FAULT, Reason.FAULT_RELAY, detail=detail))

    def _loop(self) -> None:
        self._fresh_at = time.monotonic()  # the camera has `stale_after_s` from here
        while not self._stopping:
            now = time.monotonic()
            until = deadline(self._control.rules, self._control.lane)
            posted, frame = self._inbox.take(NAP_S if until is None else min(NAP_S, until - now))
            now = time.monotonic()
            for signal in posted:
                self._control.take(signal, now)
            if frame is not None:
                self._look(frame)
            elif self._feed.over:
                log.info("the clip is over")
                return
            self._watch(time.monotonic())

    def _look(self, frame: Frame) -> None:
        """Judge one frame, unless it is too old to open a gate with."""
        began = time.monotonic()
        age_s = began - frame.monotonic
        if age_s > self._stale_s:
            self._meter.frame(Outcome.LATE, age_s)
            log.warning("frame %d came too late and is not used", frame.sequence)
            return
        if self._frozen.same_for(frame.image, frame.monotonic) > self._stale_s:
            self._meter.frame(Outcome.FAILED, age_s)
            self._fault(Reason.FAULT_CAMERA, "the same picture again and again")
            return
        self._fresh_at = frame.monotonic
        self._seen = True
        self._well(Reason.FAULT_CAMERA)
        if self._control.lane.state in RESTING:
            self._resting = True  # nobody is to be judged: save the work
            self._meter.frame(Outcome.RESTING, age_s)
            return
        if self._resting:
            self._pipeline.reset()
            self._resting = False
        try:
            observation = self._pipeline.observe(frame)
        except Exception as error:
            self._meter.frame(Outcome.FAILED, age_s)
            if not self._control.has(Reason.FAULT_MODEL):  # once, not with every frame
                log.exception("frame %d cannot be judged", frame.sequence)
            self._fault(Reason.FAULT_MODEL, f"{type(error).__name__}: {error}")
            return
        self._well(Reason.FAULT_MODEL)
        self._control.see(observation, time.monotonic())
        self._meter.frame(Outcome.JUDGED, age_s)
        self._meter.spent(self._pipeline.spent | {"whole": time.monotonic() - began})
        self._on_frame(observation, self._control.lane)

    def _watch(self, now: float) -> None:
        """What every turn of the loop looks after besides its frame."""
        self._control.tick(now)
        fresh = now - self._fresh_at <= self._stale_s
        if not fresh and not self._feed.over:
            problem = self._feed.problem or f"no new picture for {self._stale_s:g} s"
            self._fault(Reason.FAULT_CAMERA, problem)
        if self._crash_loop.over(now):
            self._well(Reason.FAULT_CRASH_LOOP)
        if self._clock.jumped():
            self._jobs.clock_changed()
        self._panel.show(self._control.lane.state, now)
        self._report.turn(self._control.lane, now, seen=self._seen and fresh)
        self._meter.turned(self._turn(now))

    def _turn(self, now: float) -> Turn:
        """What the meter keeps of this turn."""
        lane, unwritten = self._control.lane, self._control.unwritten
        return Turn(
            now=now,
            state=lane.state,
            open=lane.open,
            faults=frozenset(part for part, _ in lane.faults),
            fresh_at=self._fresh_at,
            dropped=self._inbox.dropped,
            unwritten=len(unwritten),
            oldest_unwritten=unwritten[0].monotonic if unwritten else None,
            pinged_at=self._notifier.pinged_at,
        )

    def _fault(self, part: Reason, detail: str) -> None:
        self._control.take(Signal(Trigger.FAULT, part, detail=detail), time.monotonic())

    def _well(self, part: Reason) -> None:
        self._control.take(Signal(Trigger.RECOVERED, part), time.monotonic())

    def _tell(self, event: Event) -> None:
        log.log(level(event), "%s", describe(without_person(event)), extra=fields(event))
        self._meter.tell(event)
        self._panel.tell(event.kind, event.monotonic)
        self._on_event(event)
