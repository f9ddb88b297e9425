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
    """One output: its GPIO number, the level that switches it on, its safe position."""

    name: str
    pin: int
    active_high: bool = True
    rests_on: bool = False
    """Whether the line is on in its safe position (a lock that is held shut by power)."""


class OutputLines:
    """All outputs of the gate. Every method may be called from any thread.

    Of two interlocked lines only one is on: the one switched on last, but the gate's own line is
    never switched off for another.
    """

    def __init__(
        self, factory: Any, lines: Iterable[OutputLine], interlocks: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Claim each line directly in its safe position. Raises `RelayError`; then none is kept."""
        self._lock = threading.RLock()
        self._partners: dict[str, set[str]] = {}
        for one, other in interlocks:
            self._partners.setdefault(one, set()).add(other)
            self._partners.setdefault(other, set()).add(one)
        self._lines = {line.name: line for line in lines}
        self._devices: dict[str, Any] = {}
        self._ends: dict[str, bool] = {}
        for line in self._lines.values():
            try:
                self._devices[line.name] = gpiozero.DigitalOutputDevice(
                    line.pin,
                    active_high=line.active_high,
                    initial_value=line.rests_on,
                    pin_factory=factory,
                )
            except Exception as error:  # lgpio and others raise types of their own
                self.close()
                raise RelayError(
                    f"GPIO {line.pin} cannot be claimed for '{line.name}': {error}"
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

    def end_at(self, name: str, on: bool | None) -> None:
        """Have `close` leave a line on or off, as an emergency asks; None for its safe position."""
        with self._lock:
            if on is None:
                self._ends.pop(name, None)
            else:
                self._ends[name] = on

    def close(self) -> None:
        """Switch every line to its safe position and give it back; may be called twice."""
        with self._lock:
            for name, device in self._devices.items():
                if name in self._ends:  # given back, it would float
                    with suppress(Exception):
                        device.value = self._ends[name]
                elif not device.closed:
                    # One line that can't be driven must not leave the others as they are.
                    with suppress(Exception):
                        device.value = self._lines[name].rests_on
                    device.close()

    def _drive(self, name: str, *, on: bool) -> None:
        try:
            self._devices[name].value = on
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the line of '{name}' cannot be driven: {error}") from None
