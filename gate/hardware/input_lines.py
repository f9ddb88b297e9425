"""Input lines: emergency, request to exit, passage, door, tamper, key switch, assist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gpiozero

from gate.errors import RelayError


@dataclass(frozen=True, slots=True)
class InputLine:
    """Wiring of one input."""

    pin: int
    normally_closed: bool = False
    """Whether the contact opens when it is active; a cut wire is active then, too."""
    pull_up: bool | None = True
    """The Pi's own resistor: up, down, or None for an outer one that pulls the line up."""
    debounce_s: float = 0.02


class InputLines:
    """Watches the inputs. Handlers are called from gpiozero's thread, with True for active."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._devices: dict[str, gpiozero.DigitalInputDevice] = {}
        self._inverted: dict[str, bool] = {}

    def connect(self, name: str, line: InputLine, handler: Callable[[bool], None]) -> None:
        """Claim a line, and call the handler at each change. Raises `RelayError`.

        For a contact that is active already the handler is called at once.
        """
        try:
            device = gpiozero.DigitalInputDevice(
                line.pin,
                pull_up=line.pull_up,
                # Active means closed: gpiozero takes it from the pull; without one it must be said.
                active_state=False if line.pull_up is None else None,
                bounce_time=line.debounce_s or None,
                pin_factory=self._factory,
            )
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(
                f"GPIO {line.pin} cannot be claimed for inputs.{name}: {error}"
            ) from None
        self._devices[name] = device
        inverted = line.normally_closed
        self._inverted[name] = inverted
        device.when_activated = lambda: handler(not inverted)
        device.when_deactivated = lambda: handler(inverted)
        if bool(device.value) is not inverted:
            handler(True)

    def active(self) -> dict[str, bool]:
        """Each connected input, and whether it is active now."""
        return {
            name: bool(device.value) is not self._inverted[name]
            for name, device in self._devices.items()
        }

    def close(self) -> None:
        """Give the lines back; may be called twice."""
        for device in self._devices.values():
            device.close()
