"""What each contact means: the signals that it sends, and the one that moves the relay itself."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gate.domain import Reason, Signal, Trigger
from gate.errors import RelayError
from gate.inputs import Contact, Inputs
from gate.relay import Relay

log = logging.getLogger(__name__)


class Wires:
    """Connects the inputs to the lane. Its handlers are called from gpiozero's threads.

    The emergency input moves the relay at once, from its own thread, and tells the lane
    afterwards. It latches: the lane leaves the emergency when the contact is at rest again and the
    key switch has been turned off and on (or the service was started anew), unless
    ``latches`` is false. The key switch is the master: off, the lane is closed whatever the hours.
    """

    def __init__(self, inputs: Inputs, post: Callable[[Signal], None], *, latches: bool) -> None:
        self._inputs = inputs
        self._post = post
        self._latches = latches
        self._relay: Relay | None = None
        self._emergency = False
        self._key_on = True
        self._hours_open: bool | None = None

    def emergency_held(self) -> bool:
        """Whether the emergency contact asks for it now."""
        return self._emergency

    def connect(self, relay: Relay, contacts: dict[str, Contact]) -> None:
        """Watch the contacts, by the names of the settings. Raises `RelayError`."""
        self._relay = relay
        handlers: dict[str, Callable[[bool], None]] = {
            "emergency": self._on_emergency,
            "request_to_exit": self._pressed(
                Signal(Trigger.OPERATOR_GRANT, Reason.REQUEST_TO_EXIT, who="request to exit")
            ),
            "passage": self._pressed(Signal(Trigger.PASSED)),
            "door": lambda active: self._post(
                Signal(Trigger.DOOR_OPENED if active else Trigger.DOOR_SHUT)
            ),
            "tamper": self._pressed(Signal(Trigger.TAMPER)),
            "assist": self._pressed(Signal(Trigger.ASSIST)),
            "key_switch": self._on_key,
        }
        if "key_switch" in contacts:
            self._key_on = False  # until the contact says otherwise
        for name, contact in contacts.items():
            self._inputs.watch(name, contact, handlers[name])

    def on_hours(self, is_open: bool) -> None:
        """The opening hours say so; the key switch may still keep the lane closed."""
        self._hours_open = is_open
        if self._key_on:
            self._post(_lane(is_open, Reason.SCHEDULE))

    def _on_emergency(self, active: bool) -> None:
        self._emergency = active
        if active:
            if self._relay is not None:
                try:
                    self._relay.trip()
                except RelayError as error:
                    log.critical("in an emergency: %s", error)
            self._post(Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT))
        elif not self._latches:
            self._post(Signal(Trigger.EMERGENCY_CLEARED))

    def _on_key(self, active: bool) -> None:
        self._key_on = active
        if active and not self._emergency:
            self._post(Signal(Trigger.EMERGENCY_CLEARED, who="key switch"))
        if self._hours_open is not None:
            is_open = active and self._hours_open
            self._post(_lane(is_open, Reason.KEY_SWITCH, who="key switch"))

    def _pressed(self, signal: Signal) -> Callable[[bool], None]:
        return lambda active: self._post(signal) if active else None


def _lane(is_open: bool, reason: Reason, who: str | None = None) -> Signal:
    return Signal(Trigger.OPENED if is_open else Trigger.CLOSED, reason, who=who)
