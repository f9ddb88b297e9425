"""The wires that come back: emergency, request to exit, passage, door, tamper, key, assist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gpiozero

from gate.errors import RelayError


@dataclass(frozen=True, slots=True)
class InputLine:
    """How one input is wired."""

    pin: int
    normally_closed: bool = False
    """Whether the contact opens to say something: then a cut wire says it too."""
    pull_up: bool | None = True
    """The Pi's own resistor: up, down, or None for an outer one (the line is high when open)."""
    debounce_s: float = 0.02


class InputLines:
    """Watches the contacts. Handlers are called from gpiozero's thread, with True for active."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._devices: dict[str, gpiozero.DigitalInputDevice] = {}
        self._turned: dict[str, bool] = {}

    def connect(self, name: str, contact: InputLine, handler: Callable[[bool], None]) -> None:
        """Claim a line, and call the handler at each change. Raises `RelayError`.

        A contact that is active already is told at once.
        """
        try:
            device = gpiozero.DigitalInputDevice(
                contact.pin,
                pull_up=contact.pull_up,
                # Active means closed: gpiozero knows it from the pull, and has to be told without.
                active_state=False if contact.pull_up is None else None,
                bounce_time=contact.debounce_s or None,
                pin_factory=self._factory,
            )
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(
                f"GPIO {contact.pin} cannot be claimed for inputs.{name}: {error}"
            ) from None
        self._devices[name] = device
        turned = contact.normally_closed
        self._turned[name] = turned
        device.when_activated = lambda: handler(not turned)
        device.when_deactivated = lambda: handler(turned)
        if bool(device.value) is not turned:
            handler(True)

    def active(self) -> dict[str, bool]:
        """Each input that there is, and whether it says something now."""
        return {
            name: bool(device.value) is not self._turned[name]
            for name, device in self._devices.items()
        }

    def close(self) -> None:
        """Give the lines back; may be called twice."""
        for device in self._devices.values():
            device.close()
