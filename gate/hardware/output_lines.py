"""The output lines, claimed together and switched in one place, so that interlocks always hold."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gpiozero

from gate.core.domain import GATE
from gate.errors import RelayError


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One output: its GPIO number, the level that switches it on, where it rests."""

    name: str
    pin: int
    active_high: bool = True
    rests_on: bool = False
    """Whether the line is on in its safe position (a lock that is held shut by power)."""


class OutputLines:
    """All outputs of the gate. Every method may be called from any thread.

    Of two interlocked lines only one is on: the newer one, but never at the cost of the gate's.
    """

    def __init__(
        self, factory: Any, wires: Iterable[OutputLine], interlocks: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Claim each line directly in its safe position. Raises `RelayError`, nothing kept."""
        self._lock = threading.RLock()
        self._partners: dict[str, set[str]] = {}
        for one, other in interlocks:
            self._partners.setdefault(one, set()).add(other)
            self._partners.setdefault(other, set()).add(one)
        self._wires = {wire.name: wire for wire in wires}
        self._devices: dict[str, Any] = {}
        for wire in self._wires.values():
            try:
                self._devices[wire.name] = gpiozero.DigitalOutputDevice(
                    wire.pin,
                    active_high=wire.active_high,
                    initial_value=wire.rests_on,
                    pin_factory=factory,
                )
            except Exception as error:  # lgpio and others raise types of their own
                self.close()
                raise RelayError(
                    f"GPIO {wire.pin} cannot be claimed for '{wire.name}': {error}"
                ) from None

    def switch(self, name: str, on: bool) -> bool:
        """Switch a line; False if an interlock keeps it off. Raises `RelayError`."""
        with self._lock:
            if on:
                rivals = [one for one in self._partners.get(name, ()) if self.is_on(one)]
                if GATE in rivals:
                    return False
                for rival in rivals:
                    self._drive(rival, on=False)
            self._drive(name, on=on)
        return True

    def is_on(self, name: str) -> bool:
        """Whether a line is on."""
        return bool(self._devices[name].value)

    def close(self) -> None:
        """Every line to its safe position, then given back; may be called twice."""
        with self._lock:
            for name, device in self._devices.items():
                if not device.closed:
                    # One line that can't be driven must not leave the others as they are.
                    with suppress(Exception):
                        device.value = self._wires[name].rests_on
                    device.close()

    def _drive(self, name: str, *, on: bool) -> None:
        try:
            self._devices[name].value = on
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the line of '{name}' cannot be driven: {error}") from None
