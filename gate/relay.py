"""The wire that opens the gate: one GPIO output, and a limit that holds whatever hangs."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

import gpiozero

from gate.domain import Position
from gate.errors import RelayError

FACTORIES = {
    "lgpio": "LGPIOFactory",
    "rpigpio": "RPiGPIOFactory",
    "pigpio": "PiGPIOFactory",
    "native": "NativeFactory",
    "mock": "MockFactory",
}


def pin_factory(name: str) -> Any:
    """A gpiozero pin factory by its configured name. Raises `RelayError` with what to install."""
    try:
        module = importlib.import_module(f"gpiozero.pins.{name}")
        return getattr(module, FACTORIES[name])()
    except Exception as error:  # each factory fails in its own way: no library, no board, no rights
        raise RelayError(
            f"the GPIO pins cannot be used through '{name}' ({type(error).__name__}: {error});"
            " on a Pi: sudo apt install python3-lgpio and join the group gpio;"
            " on another machine: relay.pin_factory: mock"
        ) from None


class Relay:
    """The gate's output line, claimed in its safe position.

    ``max_on_s`` seconds after a grant the line falls back by itself, from a thread of its own;
    ``on_limit`` is called then, from that thread.
    """

    def __init__(
        self,
        factory: Any,
        pin: int,
        *,
        active_high: bool = True,
        max_on_s: float = 10.0,
        opens_in_emergency: bool = True,
        on_limit: Callable[[], None] = lambda: None,
    ) -> None:
        try:
            self._device = gpiozero.DigitalOutputDevice(
                pin, active_high=active_high, initial_value=False, pin_factory=factory
            )
        except gpiozero.GPIOZeroError as error:
            raise RelayError(f"GPIO {pin} cannot be claimed as relay.pin: {error}") from None
        self._max_on_s = max_on_s
        self._on_limit = on_limit
        self._on_in = {
            Position.SAFE: False,
            Position.GRANTED: True,
            Position.EMERGENCY: opens_in_emergency,
        }
        self._lock = threading.Lock()
        self._limit: threading.Timer | None = None
        self._grants = 0
        self.position: Position | None = Position.SAFE
        """Where the line is; None after it could not be driven."""

    @property
    def is_on(self) -> bool:
        """Whether the line is driven to open the gate."""
        return bool(self._device.value)

    def move(self, position: Position) -> None:
        """Drive the line to a position. Raises `RelayError` if the line can't be driven."""
        with self._lock:
            if position is self.position:
                return
            self._cancel()
            if position is Position.GRANTED:
                self._grants += 1
                self._limit = threading.Timer(self._max_on_s, self._fall_back, [self._grants])
                self._limit.daemon = True
                self._limit.start()  # before the line is driven: no grant without its limit
            self._drive(position)

    def close(self) -> None:
        """Off, then give the line back; may be called twice."""
        with self._lock:
            self._cancel()
            if not self._device.closed:
                self._device.off()
                self._device.close()
            self.position = Position.SAFE

    def _fall_back(self, grant: int) -> None:
        with self._lock:
            mine = self._limit is not None and grant == self._grants
            if not mine or self._device.closed:  # cancelled while it waited for the lock
                return
            self._drive(Position.SAFE)
        self._on_limit()

    def _drive(self, position: Position) -> None:
        self.position = None
        try:
            self._device.value = self._on_in[position]
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the relay's line cannot be driven: {error}") from None
        self.position = position

    def _cancel(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
