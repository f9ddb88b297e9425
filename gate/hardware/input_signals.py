"""Signals of the input lines; the emergency input also moves the relay itself."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gate.core.closures import LaneClosures
from gate.core.domain import Reason, Signal, Trigger
from gate.errors import RelayError
from gate.hardware.input_lines import InputLine, InputLines
from gate.hardware.relay import Relay

log = logging.getLogger(__name__)


class InputSignals:
    """Connects the inputs to the lane. Its handlers are called from gpiozero's threads.

    The emergency input moves the relay at once, from its own thread, and posts its signal
    afterwards. It latches: the lane leaves the emergency when the contact is at rest again and the
    key switch has been turned off and on (or the operator cleared it, or the service was started
    anew), unless ``latches`` is false. The key switch is one of the wishes in `LaneClosures`.
    """

    def __init__(
        self,
        inputs: InputLines,
        post: Callable[[Signal], None],
        closures: LaneClosures,
        *,
        latches: bool,
    ) -> None:
        self._inputs = inputs
        self._post = post
        self._closures = closures
        self.latches = latches
        self._relay: Relay | None = None
        self._emergency = False

    def emergency_held(self) -> bool:
        """Whether the emergency contact is active now."""
        return self._emergency

    def connect(self, relay: Relay, lines: dict[str, InputLine]) -> None:
        """Watch the lines, by the names of their settings. Raises `RelayError`."""
        self._relay = relay
        handlers: dict[str, Callable[[bool], None]] = {
            "emergency": self._on_emergency,
            "request_to_exit": self._pressed(
                Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT, who="request to exit")
            ),
            "passage": self._pressed(Signal(Trigger.PASSED)),
            "door": lambda active: self._post(
                Signal(Trigger.DOOR_OPENED if active else Trigger.DOOR_SHUT)
            ),
            "tamper": self._pressed(Signal(Trigger.TAMPER)),
            "assist": self._pressed(Signal(Trigger.ASSIST)),
            "key_switch": self._on_key,
        }
        if "key_switch" in lines:
            self._closures.by_key(False, tell=False)  # until the contact says otherwise
        for name, line in lines.items():
            self._inputs.connect(name, line, handlers[name])

    def _on_emergency(self, active: bool) -> None:
        self._emergency = active
        if active:
            if self._relay is not None:
                try:
                    self._relay.trip()
                except RelayError as error:
                    log.critical("in an emergency: %s", error)
            self._post(Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT))
        elif not self.latches:
            self._post(Signal(Trigger.EMERGENCY_CLEARED))

    def _on_key(self, active: bool) -> None:
        if active and not self._emergency:
            self._post(Signal(Trigger.EMERGENCY_CLEARED, who="key switch"))
        self._closures.by_key(active)

    def _pressed(self, signal: Signal) -> Callable[[bool], None]:
        return lambda active: self._post(signal) if active else None
