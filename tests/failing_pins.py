"""Mock pins whose driver fails on demand, at the level where lgpio would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the pins' driver: its number from 1, ``read``, ``write`` or ``close``, GPIO."""

    number: int
    operation: str
    pin: int


class FailingFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """Pins that keep every call, and raise OSError in those for which ``fails`` is true."""

    def __init__(self) -> None:
        super().__init__(pin_class=FailingPin)
        self.calls: list[Call] = []
        self.fails: Callable[[Call], bool] = lambda call: False

    def called(self, operation: str, pin: int) -> None:
        """Note a call of the driver, or fail it."""
        call = Call(len(self.calls) + 1, operation, pin)
        self.calls.append(call)
        if self.fails(call):
            raise OSError(f"{operation} of GPIO {pin} failed")


class FailingPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that asks its factory before each call."""

    def _called(self, operation: str) -> None:
        self.factory.called(operation, int(self.info.name.removeprefix("GPIO")))

    def _get_state(self) -> Any:
        self._called("read")
        return super()._get_state()

    def _set_state(self, value: int) -> None:
        self._called("write")
        super()._set_state(value)

    def close(self) -> None:
        """Turn into an input, unless that fails."""
        self._called("close")
        super().close()


def level(pins: MockFactory, pin: int) -> bool:
    """What stands at the pin, without a call of the driver."""
    return bool(pins.pin(pin)._state)
