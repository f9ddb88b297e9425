"""The daemon: starts the parts, runs the loop, stops them in reverse."""

from __future__ import annotations

import logging
import signal as signals
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from gate.audit.lock import held
from gate.config import Config
from gate.core.describe import describe, fields, level, without_person
from gate.core.domain import Event, EventKind, Observation, Signal, Trigger
from gate.core.machine import deadline
from gate.core.recorder import Outcome
from gate.core.transitions import Lane
from gate.errors import CameraHung, ControlError, GateError, NoAnswer
from gate.interfaces.control.from_config import open_server
from gate.interfaces.control.protocol import Answer, Command, Request
from gate.interfaces.control.server import Server
from gate.service.commands import Opening, carry_out, opened, with_kept
from gate.service.inbox import Call, Inbox, Letter
from gate.service.log_writer import CLOSE_S
from gate.service.parts import Parts
from gate.service.queries import LogFeed, Queries
from gate.service.query_process import QueryProcess
from gate.service.reload import apply, prepare
from gate.service.start import start
from gate.system.systemd import Notifier

log = logging.getLogger(__name__)

NAP_S = 0.05
"""The longest wait for a frame or a signal: how late a stop, or a lost edge, may be noticed."""
LOOK_S = 0.01
"""How often it is looked whether an operator's opening is in the log."""
URGENT = (Trigger.EMERGENCY, Trigger.EMERGENCY_CLEARED, Trigger.REQUEST_TO_EXIT)
"""What the loop takes first of what has come together: nobody inside waits for the rest."""
ANSWER_S = 2.0
"""The loop has this long to begin with what was asked."""


class Daemon:
    """One gate, from its camera to its relay. Build it, `run` it; `stop` may come from anywhere."""

    def __init__(
        self,
        config: Config,
        *,
        path: Path | None = None,
        damaged: str | None = None,
        factory: Any = None,
        notifier: Notifier | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        on_frame: Callable[[Observation, Lane], None] = lambda observation, lane: None,
    ) -> None:
        """``path`` is the file to reload; ``factory`` the pin factory, None for the configured.

        ``damaged`` says what is wrong with that file, where the settings are those of the last run.
        """
        self._damaged = damaged
        self._config = config
        self._path = path
        self._factory = factory
        self._notifier = notifier or Notifier()
        self._on_event = on_event
        self._on_frame = on_frame
        self._stopping = False
        self._hung: str | None = None
        self._reload_asked = False
        self._reloading = threading.Lock()
        self._server: Server | None = None
        self.inbox = Inbox()
        self._feed = LogFeed(config.store.path)
        self._queries = Queries(QueryProcess(config.store.path), self._feed, self._exported)
        self.parts: Parts

    def stop(self, *_: int | FrameType | None) -> None:
        """End the loop at its next turn; a signal handler may call it."""
        self._stopping = True

    def run(self) -> None:
        """Run until stopped, or until a clip is over.

        Raises `GateError` if a part can't start, and `CameraHung` where only a new start helps.
        """
        for number in (signals.SIGTERM, signals.SIGINT):
            signals.signal(number, self.stop)
        signals.signal(signals.SIGHUP, self._on_hangup)
        with ExitStack() as stack:
            stack.callback(self._notifier.close)
            stack.callback(self.inbox.close)
            stack.callback(self._queries.close)
            # First of all: what belongs to a running gate must not be touched.
            self._server = open_server(self._config, self._answer, self._queries.answer)
            if self._server is not None:
                stack.callback(self._server.close)
            stack.enter_context(held(self._config.store.path))
            self.parts = start(
                self._config,
                self._path,
                stack,
                self.inbox,
                self._notifier,
                damaged=self._damaged,
                factory=self._factory,
                on_event=self._tell,
                on_frame=self._on_frame,
            )
            if self._server is not None:
                self._server.start()
            self.parts.log.writer.start()
            log.info("started in %.2f s", time.monotonic() - self.parts.begun)
            try:
                self._loop()
            finally:
                self._notifier.stopping()
                self._end()
        log.info("stopped")
        if self._hung is not None:
            raise CameraHung(f"the gate ends to free its camera: {self._hung}")

    def _end(self) -> None:
        """Shut the gate, then tell the log; it has a while to take all of it."""
        controller, log_parts = self.parts.lane.controller, self.parts.log
        self._take(self.inbox.poll(0.0)[0], time.monotonic())
        self.parts.latch_emergency()

        def told() -> None:
            log_parts.writer.settle(CLOSE_S)
            self._settle()

        detail = None if self._hung is None else f"camera hung: {self._hung}"
        controller.stop(time.monotonic(), told, detail=detail)
        told()

    def _settle(self) -> None:
        """Take in what the log has told."""
        for letter in self.inbox.poll(0.0)[0]:
            if isinstance(letter, Outcome):
                self.parts.lane.controller.settle(letter, time.monotonic())

    def _take(self, letters: list[Letter], now: float) -> None:
        """Do what the letters ask, those that cannot wait first."""
        controller = self.parts.lane.controller
        for letter in in_order(letters):
            if isinstance(letter, Call):
                letter.run()
            elif isinstance(letter, Outcome):
                controller.settle(letter, now)
            elif self.parts.lane.closures.still(letter):
                controller.process(letter, now)

    def _loop(self) -> None:
        parts = self.parts
        controller, frames = parts.lane.controller, parts.vision.frames
        while not self._stopping:
            now = time.monotonic()
            until = deadline(controller.rules, controller.lane)
            letters, frame = self.inbox.poll(NAP_S if until is None else min(NAP_S, until - now))
            now = time.monotonic()
            self._take(letters, now)
            if frame is not None:
                parts.log.meter.record_frame(frames.process(frame, time.monotonic()))
            elif frames.camera.over:
                log.info("the clip is over")
                return
            if self._reload_asked:
                self._reload_asked = False
                self._reload_beside()
            parts.look_after(time.monotonic())
            self._hung = parts.hung(time.monotonic())
            if self._hung is not None:
                return
            self._queries.look_after(time.monotonic())
            if self._server is not None:
                self._server.supervise(time.monotonic())

    def _answer(self, request: Request) -> Answer:
        """Answer a client, in its own thread. Raises `GateError`."""
        if request.command is Command.RELOAD:
            return {"said": self._reload(request.peer.name)}
        if request.command is not Command.STATUS:
            log.info("asked: %s", request.command)  # by whom and why is in the audit log
        done = self.inbox.ask(lambda: carry_out(self.parts, request, time.monotonic()), ANSWER_S)
        if not isinstance(done, Opening):
            return with_kept(done)
        while True:  # an opening waits for the log, for `store.grant_within_s` at most
            answer = self.inbox.ask(lambda: opened(self.parts, done), ANSWER_S)
            if answer is not None:
                return answer
            time.sleep(LOOK_S)

    def _exported(self, who: str, what: str) -> None:
        """Record that a reader was given events, in the reader's thread. Raises `GateError`."""
        event = Event(EventKind.EXPORTED, time.monotonic(), who=who, detail=what)
        self.inbox.ask(lambda: self.parts.lane.controller.record(event), ANSWER_S)

    def _on_hangup(self, *_: int | FrameType | None) -> None:
        self._reload_asked = True  # no more than that within a signal handler

    def _reload_beside(self) -> None:
        try:
            threading.Thread(target=self._reload_quietly, name="reload", daemon=True).start()
        except RuntimeError as error:
            log.error("not reloaded, the old settings stay: %s", error)

    def _reload_quietly(self) -> None:
        try:
            self._reload("SIGHUP")
        except GateError as error:
            log.error("not reloaded, the old settings stay: %s", error)
        except Exception:
            log.exception("not reloaded, the old settings stay")

    def _reload(self, who: str) -> str:
        """Apply the changed file; called outside of the loop. Raises `GateError`."""
        if self._path is None:
            raise ControlError("this gate was started without a configuration file")
        with self._reloading:
            report = self.parts.health.report
            report.reloading()
            try:
                plan = prepare(self.parts, self._path)
                try:
                    said = self.inbox.ask(lambda: apply(self.parts, plan, who), ANSWER_S)
                except NoAnswer:
                    plan.close()
                    raise
            finally:
                report.reloaded()
        log.info("reloaded: %s", said)
        return said

    def _tell(self, event: Event) -> None:
        self._feed.tell()
        log.log(level(event), "%s", describe(without_person(event)), extra=fields(event))
        self._on_event(event)


def in_order(letters: list[Letter]) -> list[Letter]:
    """The letters with the urgent ones first; both kinds keep their own order."""
    return sorted(letters, key=lambda it: not (isinstance(it, Signal) and it.trigger in URGENT))
