"""The daemon: starts the parts in order, runs the loop, stops them in reverse."""

from __future__ import annotations

import logging
import math
import signal as signals
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

from gate import __version__
from gate.config import Config
from gate.controller import Controller
from gate.describe import describe
from gate.domain import Event, EventKind, Frame, Observation, Position, Reason, Signal, Trigger
from gate.inbox import Inbox
from gate.jobs import Jobs
from gate.machine import deadline
from gate.parts import open_feed, open_model, open_pipeline, open_relay, open_store
from gate.systemd import Notifier
from gate.table import Lane

log = logging.getLogger(__name__)

NAP_S = 0.2
"""The longest wait for a frame or a signal: how late a stop may be noticed."""
CLOCK_JUMP_S = 2.0
"""A wall clock that moved this much against monotonic time was set, not slewed."""
STATUS_S = 1.0


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
        self._config = config
        self._factory = factory
        self._notifier = notifier or Notifier()
        self._on_event = on_event
        self._on_frame = on_frame
        self._inbox = Inbox()
        self._stopping = False
        self._ready = False
        self._seen_at = -math.inf
        self._frames = 0
        self._pinged_at = self._told_at = -math.inf
        self._clock_offset = time.time() - time.monotonic()

    def stop(self, *_: int | FrameType | None) -> None:
        """End the loop at its next turn; a signal handler may call it."""
        self._stopping = True

    def post(self, signal: Signal) -> None:
        """Hand a signal to the loop, from any thread."""
        self._inbox.post(signal)

    def run(self) -> None:
        """Run until stopped, or until a clip is over. Raises `GateError` if a part can't start."""
        started = time.monotonic()
        for number in (signals.SIGTERM, signals.SIGINT):
            signals.signal(number, self.stop)
        with ExitStack() as parts:
            parts.callback(self._notifier.close)
            # The relay first: a line that an earlier run left driven goes to safety at once.
            relay = open_relay(self._config, self._factory, self._on_limit)
            parts.callback(relay.close)
            smile = open_model(self._config)
            parts.callback(smile.close)
            store = open_store(self._config, smile, self._config.store.path)
            parts.callback(store.close)
            self._pipeline = open_pipeline(self._config, smile)
            self._control = Controller(
                self._config.rules(smile.card.threshold),
                store,
                relay,
                lane=Lane(next_visit=store.next_visit()),
                on_event=self._tell,
            )
            if store.unclean is not None:
                last = store.unclean
                ended = f"the last run was never stopped; its last event is {last.sequence}"
                self._note(EventKind.UNCLEAN_END, f"{ended}, {last.wall:%Y-%m-%d %H:%M:%S} UTC")
            self._note(EventKind.STARTED, f"version {__version__}")
            self._jobs = Jobs(self._config.lane.hours, self._on_hours, zone=self._config.lane.zone)
            self._jobs.start()
            parts.callback(self._jobs.close)
            self._feed = open_feed(self._config, self._inbox)
            self._feed.start()
            parts.callback(self._feed.close)
            log.info("started in %.2f s", time.monotonic() - started)
            try:
                self._loop()
            finally:
                self._notifier.stopping()
                relay.move(Position.SAFE)
                self._control.take(Signal(Trigger.STOPPED), time.monotonic())
        log.info("stopped")

    def _on_limit(self) -> None:
        detail = f"released by its limit of {self._config.relay.max_on_s:g} s"
        self.post(Signal(Trigger.FAULT, Reason.FAULT_RELAY, detail=detail))

    def _loop(self) -> None:
        self._seen_at = time.monotonic()  # the camera has `stale_after_s` from here
        while not self._stopping:
            now = time.monotonic()
            until = deadline(self._control.rules, self._control.lane)
            nap = NAP_S if until is None else min(NAP_S, until - now)
            posted, frame = self._inbox.take(nap)
            now = time.monotonic()
            for signal in posted:
                self._control.take(signal, now)
            if frame is not None:
                self._look(frame)
            elif self._feed.over:
                log.info("the clip is over")
                return
            now = time.monotonic()
            self._control.tick(now)
            self._watch_camera(now)
            self._watch_clock()
            self._report(now)

    def _look(self, frame: Frame) -> None:
        """Judge one frame, unless it is too old to open a gate with."""
        stale = self._config.camera.stale_after_s
        if time.monotonic() - frame.monotonic > stale:
            log.warning("frame %d came too late and is not used", frame.sequence)
            return
        try:
            observation = self._pipeline.observe(frame)
        except Exception as error:
            log.exception("frame %d cannot be judged", frame.sequence)
            self._fault(Reason.FAULT_MODEL, f"{type(error).__name__}: {error}")
            return
        self._seen_at = frame.monotonic
        self._frames += 1
        self._well(Reason.FAULT_CAMERA)
        self._well(Reason.FAULT_MODEL)
        self._control.see(observation, time.monotonic())
        self._on_frame(observation, self._control.lane)

    def _watch_camera(self, now: float) -> None:
        stale = self._config.camera.stale_after_s
        if now - self._seen_at > stale and not self._feed.over:
            reason = self._feed.problem or f"no new picture for {stale:g} s"
            self._fault(Reason.FAULT_CAMERA, reason)

    def _watch_clock(self) -> None:
        offset = time.time() - time.monotonic()
        if abs(offset - self._clock_offset) > CLOCK_JUMP_S:
            log.warning("the wall clock moved by %.0f s", offset - self._clock_offset)
            self._jobs.clock_changed()
        self._clock_offset = offset

    def _report(self, now: float) -> None:
        """Tell the service manager: ready once a frame was seen, alive as long as this is true.

        Alive means: frames are being judged, or the lane is openly at fault and trying.
        """
        faulty = bool(self._control.lane.faults)
        if not self._ready and (self._frames or faulty):
            self._ready = True
            self._notifier.ready()
        fresh = now - self._seen_at <= self._config.camera.stale_after_s
        pause = self._notifier.watchdog_s / 4
        if self._ready and pause and (fresh or faulty) and now - self._pinged_at >= pause:
            self._pinged_at = now
            self._notifier.alive()
        if now - self._told_at >= STATUS_S:
            self._told_at = now
            lane = self._control.lane
            why = ", ".join(part for part, _ in lane.faults)
            self._notifier.status(f"{lane.state}{f' ({why})' if why else ''}")

    def _fault(self, part: Reason, detail: str) -> None:
        self._control.take(Signal(Trigger.FAULT, part, detail=detail), time.monotonic())

    def _well(self, part: Reason) -> None:
        self._control.take(Signal(Trigger.RECOVERED, part), time.monotonic())

    def _on_hours(self, is_open: bool) -> None:
        trigger = Trigger.OPENED if is_open else Trigger.CLOSED
        self.post(Signal(trigger, Reason.SCHEDULE))

    def _note(self, kind: EventKind, detail: str) -> None:
        self._control.note(Event(kind, time.monotonic(), detail=detail))

    def _tell(self, event: Event) -> None:
        log.info("%s", describe(event))
        self._on_event(event)
