"""The relay that opens the gate, with limits that hold whatever hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from gate.core.domain import GATE, Position
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLines

log = logging.getLogger(__name__)

RETRY_S = 0.05
"""How often a line that did not go to safety, or into an emergency, is driven again."""

JOIN_S = 1.0
"""A limit's thread that hangs in a driver is left behind after this."""


class Overseer(Protocol):
    """Who ends an open gate from outside of this process, see `gate.hardware.guard`."""

    def watch(self, deadline: float) -> None:
        """The line is about to go on until then (monotonic, s); raises `RelayError` if unseen."""

    def release(self) -> None:
        """The line is not on by a grant any more; never raises."""


class NoOverseer:
    """Where nobody watches: tests, and the doctor's short click."""

    def watch(self, deadline: float) -> None:
        """Nobody is told."""

    def release(self) -> None:
        """Nobody is told."""


class Relay:
    """Moves the gate's line between its positions. Every method may be called from any thread.

    A granted gate shuts after ``max_open_s`` by itself, from one thread that runs from the start;
    ``on_limit`` is called then, from that thread. With ``pulse_s`` a grant is a pulse of that
    length. ``trip`` is for the emergency input: it moves at once, and nothing moves the line away
    until `clear`. To safety and into an emergency the line moves whatever its interlocks say.
    """

    def __init__(
        self,
        lines: OutputLines,
        *,
        energised_is_open: bool = True,
        max_open_s: float = 10.0,
        pulse_s: float | None = None,
        opens_in_emergency: bool = True,
        on_limit: Callable[[float], None] = lambda max_open_s: None,
        emergency_held: Callable[[], bool] = lambda: False,
        overseer: Overseer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the limit's thread; where none is left, each grant tries that again."""
        self._lines = lines
        self._energised_is_open = energised_is_open
        self.max_open_s = max_open_s
        self._pulse_s = pulse_s
        self._opens = {
            Position.SAFE: False,
            Position.GRANTED: True,
            Position.EMERGENCY: opens_in_emergency,
        }
        self._on_limit = on_limit
        self._emergency_held = emergency_held
        self._overseer = overseer or NoOverseer()
        self._clock = clock
        self._changed = threading.Condition()
        self._granted_at = 0.0
        self._deadline: float | None = None
        """When the grant's pulse or hold ends; None where none runs."""
        self._pulses = False
        self._overdue: Position | None = None
        """Where the line should be and is not: the limit's thread tries again …"""
        self._retry_at = 0.0
        """… then."""
        self._tripped = False
        self._closed = False
        self.position: Position | None = Position.SAFE
        """Where the relay is; None after it could not be driven."""
        self._thread: threading.Thread | None = None
        try:
            self._limited()
        except RelayError as error:
            log.critical("%s", error)

    def limit(self, *, max_open_s: float, pulse_s: float | None) -> None:
        """Change the limits; of a hold that runs the end may become later, never earlier."""
        with self._changed:
            self.max_open_s = max_open_s
            self._pulse_s = pulse_s
            if self._deadline is None or self._pulses:
                return
            deadline = self._granted_at + max_open_s
            if deadline > self._deadline:
                try:
                    self._overseer.watch(deadline)
                except RelayError as error:
                    log.error("the hold that runs keeps its old limit: %s", error)
                    return
                self._deadline = deadline
                self._changed.notify()

    @property
    def is_open(self) -> bool:
        """Whether the line was driven so that the gate is open."""
        return self._lines.is_on(GATE) is self._energised_is_open

    def move(self, position: Position) -> None:
        """Go to a position, unless the relay is there. Raises `RelayError` if it can't be driven.

        While it is tripped it goes nowhere else.
        """
        with self._changed:
            if position is self.position or (self._tripped and position is not Position.EMERGENCY):
                return
            if position is Position.GRANTED:
                self._grant(False, None)
            else:
                self._leave(position)

    def grant(self, *, way_out: bool = False, hold_s: float | None = None) -> None:
        """Open by a grant, also while granted: limit and pulse begin anew. Raises `RelayError`.

        ``way_out`` is for people inside: neither an interlock nor a missing guard keeps them in.
        ``hold_s`` is for a gate whose loop does not run yet: the line goes off by itself then.
        """
        with self._changed:
            if not self._tripped:
                self._grant(way_out, hold_s)

    def trip(self) -> None:
        """Go to the emergency position now, and stay there. Raises `RelayError`."""
        with self._changed:
            self._tripped = True
            self._lines.end_at(GATE, self._level(Position.EMERGENCY))
            if self.position is not Position.EMERGENCY:
                self._leave(Position.EMERGENCY)

    def clear(self) -> None:
        """Let the relay move again after a trip, unless the input still asks for it."""
        with self._changed:
            self._tripped = self._tripped and self._emergency_held()
            if not self._tripped:
                self._lines.end_at(GATE, None)

    def close(self) -> None:
        """End the limit's thread; the line is closed with the others. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _grant(self, way_out: bool, hold_s: float | None) -> None:
        now = self._clock()
        try:
            self._limited()
        except RelayError as error:
            if not way_out:
                raise
            log.critical("somebody is let out, with the guard's limit only: %s", error)
        self._watched(now + self.max_open_s, way_out)
        self._granted_at = now
        lasts = [each for each in (self._pulse_s, hold_s) if each is not None]
        self._pulses = bool(lasts) and min(lasts) <= self.max_open_s
        self._deadline = now + min([*lasts, self.max_open_s])
        self._overdue = None
        self._changed.notify()  # before the line is driven: no grant without its limit
        self.position = None
        if way_out:
            try:
                self._lines.force(GATE, self._level(Position.GRANTED))
            except RelayError as error:  # nobody inside should have to press again
                log.error("%s; it is driven once more", error)
                self._lines.force(GATE, self._level(Position.GRANTED))
        elif not self._lines.switch(GATE, self._level(Position.GRANTED)):
            raise RelayError("an interlock keeps the gate's line off")
        self.position = Position.GRANTED

    def _limited(self) -> None:
        """See that the limit's thread runs. Raises `RelayError` where none can be started."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="relay limit", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise RelayError(f"the relay's limit cannot be watched: {error}") from None
        self._thread = thread

    def _watched(self, deadline: float, way_out: bool) -> None:
        try:
            self._overseer.watch(deadline)
        except RelayError as error:
            if not way_out:
                if self._deadline is None:
                    self._overseer.release()  # a new guard must not be told of this grant
                else:
                    with suppress(RelayError):  # it will be told of the hold that runs
                        self._overseer.watch(self._granted_at + self.max_open_s)
                raise
            log.critical("somebody is let out without its guard: %s", error)

    def _level(self, position: Position) -> bool:
        """Whether the line is on in a position."""
        return self._opens[position] is self._energised_is_open

    def _leave(self, position: Position) -> None:
        """Go to safety or into the emergency; if that fails, the limit's thread tries again."""
        self._deadline = None
        self.position = None
        self._overdue = position
        self._retry_at = self._clock() + RETRY_S
        self._changed.notify()
        self._lines.force(GATE, self._level(position))
        self._overdue = None
        self.position = position
        self._overseer.release()

    def _run(self) -> None:
        """The limit's thread: the end of each pulse and hold, and what did not work at first."""
        while True:
            with self._changed:
                if self._closed:
                    return
                pause = self._pause()
                if pause is None or pause > 0:
                    self._changed.wait(pause)
                    continue
                is_news = self._act()
            if is_news:
                self._tell()

    def _pause(self) -> float | None:
        """How long there is nothing to do, in seconds; None until something changes."""
        at = self._deadline if self._overdue is None else self._retry_at
        return None if at is None else at - self._clock()

    def _act(self) -> bool:
        """Do what is due; whether the loop has to hear of it."""
        retries, pulses = self._overdue is not None, self._pulses
        try:
            if pulses and not retries:
                self._end_pulse()
                return False
            self._leave(self._overdue or Position.SAFE)
        except Exception as error:  # this thread must not end: it is the limit
            if not retries:
                log.critical("the open gate's limit: %s", error)
        return not retries

    def _end_pulse(self) -> None:
        """Let the line go while the grant itself goes on until the passage."""
        self._deadline, self._pulses = None, False
        self._overdue, self._retry_at = Position.SAFE, self._clock() + RETRY_S
        self._lines.force(GATE, self._level(Position.SAFE))
        self._overdue = None
        self._overseer.release()

    def _tell(self) -> None:
        try:
            self._on_limit(self.max_open_s)
        except Exception:
            log.exception("the loop could not be told of the gate's limit")
