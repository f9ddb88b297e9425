"""Pins whose driver fails, contacts that the world closes, and levels that outlive a process."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from tests.faults.calls.targets import Counter

DRIVER = (
    "close",
    "_set_function",
    "_get_state",
    "_set_state",
    "_set_pull",
    "_set_bounce",
    "_set_edges",
    "_enable_event_detect",
    "_disable_event_detect",
)
"""What gpiozero asks of a pin's driver."""


class Lines:
    """The wires of the gate: what they are driven to, and which contacts are closed."""

    def __init__(self, counter: Counter, contacts: set[int]) -> None:
        self.contacts = contacts
        self.closed: set[int] = set()
        self.levels: dict[int, bool] = {}
        """Of each line that was driven; one that is given back keeps its level here."""
        self.on_drive: Callable[[int, bool], None] = lambda pin, level: None
        self._counter = counter
        self._factory: Any = None

    def factory(self) -> Any:
        """The pins as a new process finds them."""
        self._factory = MockFactory(pin_class=self._pin_class())
        return self._factory

    def press(self, pin: int) -> None:
        """Close a contact, and tell of the edge as gpiozero's thread does."""
        self.closed.add(pin)
        self._edge(pin)

    def release(self, pin: int) -> None:
        """Open a contact."""
        self.closed.discard(pin)
        self._edge(pin)

    def _edge(self, number: int) -> None:
        if self._factory is None:
            return
        pin = self._factory.pin(number)
        pin._state = number not in self.closed
        if pin._when_changed is not None:
            pin._call_when_changed()

    def _pin_class(self) -> type[MockPin]:
        lines, counter = self, self._counter

        class Pin(MockPin):  # type: ignore[misc]  # gpiozero has no types
            def __init__(self, factory: Any, info: Any) -> None:
                self.gpio = int(info.name.removeprefix("GPIO"))
                super().__init__(factory, info)
                is_contact = self.gpio in lines.contacts
                level = self.gpio not in lines.closed
                self._state = level if is_contact else lines.levels.get(self.gpio, False)

            def _set_state(self, value: int) -> None:
                super()._set_state(value)
                lines.levels[self.gpio] = bool(value)
                lines.on_drive(self.gpio, bool(value))

            def _set_pull(self, value: str) -> None:
                self._pull = value  # the level is the world's

        for name in DRIVER:
            setattr(Pin, name, _failing(name, getattr(Pin, name), counter))
        return Pin


def _failing(name: str, method: Callable[..., Any], counter: Counter) -> Callable[..., Any]:
    def call(pin: Any, *arguments: Any) -> Any:
        if counter.fails(f"{name} of GPIO {pin.gpio}", pin.gpio):
            raise OSError(errno.EIO, f"{name} of GPIO {pin.gpio} failed")
        return method(pin, *arguments)

    return call
