"""The relay that opens the gate, with limits that hold whatever hangs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gate.core.domain import GATE, Position
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLines

log = logging.getLogger(__name__)


class Relay:
    """Moves the gate's line between its positions. Every method may be called from any thread.

    An open gate shuts after ``max_open_s`` by itself, from a thread of its own; ``on_limit`` is
    called then with that limit, s, from that thread. With ``pulse_s`` a grant is a pulse of that
    length. ``trip`` is for the emergency input: it moves at once, and nothing moves the line away
    until `clear`.
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
    ) -> None:
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
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._grants = 0
        self._tripped = False
        self.position: Position | None = Position.SAFE
        """The relay's position; None after it could not be driven."""

    def limit(self, *, max_open_s: float, pulse_s: float | None) -> None:
        """Change the limits; they hold from the next grant on."""
        with self._lock:
            self.max_open_s = max_open_s
            self._pulse_s = pulse_s

    @property
    def is_open(self) -> bool:
        """Whether the line is at the level that opens the gate."""
        return self._lines.is_on(GATE) is self._energised_is_open

    def move(self, position: Position) -> None:
        """Go to a position. Raises `RelayError` if the line can't be driven."""
        with self._lock:
            if position is self.position or (self._tripped and position is not Position.EMERGENCY):
                return
            self._cancel()
            if position is Position.GRANTED:
                self._grants += 1
                pulses = self._pulse_s is not None and self._pulse_s <= self.max_open_s
                limit = (
                    self.max_open_s
                    if self._pulse_s is None
                    else min(self._pulse_s, self.max_open_s)
                )
                self._timer = threading.Timer(limit, self._time_out, [self._grants, pulses])
                self._timer.daemon = True
                self._timer.start()  # before the line is driven: no grant without its limit
            self._drive(position)

    def grant(self, *, way_out: bool = False) -> None:
        """Open, also where it is open: limit and pulse begin anew. Raises `RelayError`."""
        del way_out  # this relay has nothing but its line
        with self._lock:
            if self._tripped:
                return
            self.position = None
        self.move(Position.GRANTED)

    def trip(self) -> None:
        """Go to the emergency position now, and stay there. Raises `RelayError`."""
        with self._lock:
            self._tripped = True
            self._cancel()
            opens = self._opens[Position.EMERGENCY]
            self._lines.end_at(GATE, opens is self._energised_is_open)
            self._drive(Position.EMERGENCY)

    def clear(self) -> None:
        """Let the relay move again after a trip, unless the input is still active."""
        with self._lock:
            self._tripped = self._tripped and self._emergency_held()
            if not self._tripped:
                self._lines.end_at(GATE, None)

    def close(self) -> None:
        """Stop the timer; `OutputLines` closes the line. May be called twice."""
        with self._lock:
            self._cancel()

    def _time_out(self, grant: int, pulses: bool = False) -> None:
        with self._lock:
            if self._timer is None or grant != self._grants:
                return  # cancelled while it waited for the lock
            self._timer = None
            try:
                if pulses:  # the grant itself goes on until the passage
                    self._lines.switch(GATE, not self._energised_is_open)
                    return
                self._drive(Position.SAFE)
            except RelayError as error:  # the loop will try again once it is told
                log.critical("the open gate's limit: %s", error)
        self._on_limit(self.max_open_s)

    def _drive(self, position: Position) -> None:
        self.position = None
        opens = self._opens[position]
        if not self._lines.switch(GATE, opens is self._energised_is_open):
            raise RelayError("an interlock keeps the gate's line off")
        self.position = position

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
