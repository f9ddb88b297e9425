"""The exit button while the gate starts: nobody inside waits for a model or a log.

From the claim of the lines until the loop runs there is no controller that could act on it. Until
then the relay is moved from the contact's own thread, as in an emergency, and shuts by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Position, Signal, Trigger
from gate.hardware.input_signals import InputSignals
from gate.hardware.relay import Relay

log = logging.getLogger(__name__)

TURN_S = 0.05
"""How often the inputs' levels are looked at meanwhile."""
JOIN_S = 1.0
SAID = "pressed while the gate started"


@dataclass(frozen=True, slots=True)
class _Press:
    signal: Signal
    at: float
    opened: bool


class EarlyExit:
    """Stands between the inputs and the loop's inbox; `post` may be called from any thread."""

    def __init__(
        self,
        post: Callable[[Signal], None],
        hold_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._hold_s = hold_s
        self._clock = clock
        self._lock = threading.Lock()
        self._relay: Relay | None = None
        self._presses: list[_Press] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def post(self, signal: Signal) -> None:
        """Open for a press as long as nobody else does; all else is left for the loop."""
        if signal.trigger is Trigger.REQUEST_TO_EXIT:
            with self._lock:
                if self._relay is not None:
                    at = self._clock()
                    self._presses.append(_Press(signal, at, self._open(self._relay)))
                    return
        self._post(signal)

    def serve(self, relay: Relay) -> None:
        """Begin to open, by this relay."""
        with self._lock:
            self._relay = relay

    def watch(self, signals: InputSignals) -> None:
        """Be the loop to the inputs, until `hand_over`: levels are polled, chatter is counted."""

        def turn() -> None:
            while not self._over.wait(TURN_S):
                try:
                    signals.poll(self._clock())
                except Exception:
                    log.exception("while the gate starts")

        self._thread = threading.Thread(target=turn, name="early exit", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # edges are told all the same
            log.error("the inputs' levels are not looked at before the loop runs: %s", error)
            self._thread = None

    def hand_over(self, controller: Controller, now: float) -> None:
        """Leave the rest to the loop: a hold that runs goes on, one that is over is recorded."""
        self.close()
        with self._lock:
            relay, self._relay = self._relay, None
            presses, self._presses = self._presses, []
        for press in presses:
            signal = replace(press.signal, detail=_joined(press.signal.detail))
            if press is presses[-1] and not (press.opened and now - press.at >= self._hold_s):
                controller.process(signal, now)
                return
            controller.record(
                Event(
                    EventKind.OPERATOR_GRANTED,
                    press.at,
                    reason=signal.reason,
                    who=signal.who,
                    detail=signal.detail,
                )
            )
        if presses and relay is not None:
            try:
                relay.move(Position.SAFE)  # the line is there already
            except Exception as error:
                log.error("%s", error)

    def close(self) -> None:
        """End the thread; may be called twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def _open(self, relay: Relay) -> bool:
        try:
            relay.grant(way_out=True, hold_s=self._hold_s)
        except Exception as error:  # whatever it is, the contact's thread must go on
            log.critical("the exit button: %s", error)
            return False
        return relay.position is Position.GRANTED


def _joined(detail: str | None) -> str:
    return f"{SAID}; {detail}" if detail else SAID
