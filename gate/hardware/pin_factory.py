"""gpiozero's pin factories by their configured names; lgpio's claims a line without a pulse."""

from __future__ import annotations

import importlib
import sys
from typing import Any

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
    if name not in FACTORIES:
        raise RelayError(f"'{name}' is no pin factory; there are {', '.join(FACTORIES)}")
    try:
        module = importlib.import_module(f"gpiozero.pins.{name}")
        factory = getattr(module, FACTORIES[name])()
        if name == "lgpio":
            factory.pin_class = _claiming_at_once(module)
    except Exception as error:  # each factory fails in its own way: no library, no board, no rights
        raise RelayError(
            f"the GPIO pins cannot be used through '{name}' ({type(error).__name__}: {error});"
            " on a Pi: sudo apt install python3-lgpio and join the group gpio;"
            " on another machine: relay.pin_factory: mock"
        ) from None
    return factory


class EdgeThread:
    """The one thread in which lgpio tells of all edges.

    It calls the handlers without a guard, and nobody starts it again once it has ended (lgpio
    0.2.2.0, ``_callback_thread.run``). Other libraries, and mock pins, have no such thread.
    """

    def __init__(self, factory: Any) -> None:
        its_own = type(factory).__name__ == FACTORIES["lgpio"]
        self._lgpio: Any = sys.modules.get("lgpio") if its_own else None

    def is_alive(self) -> bool:
        """Whether edges can be told."""
        return self._lgpio is None or bool(self._lgpio._notify_thread.is_alive())

    def restart(self) -> None:
        """Start another one if it has ended; each line has to be watched anew afterwards."""
        if not self.is_alive():
            self._lgpio._notify_thread = self._lgpio._callback_thread()


def _claiming_at_once(module: Any) -> type:
    """LGPIOPin that claims an output with its first level.

    gpiozero 2.0.1 claims the line low and sets its level afterwards (its pull request 1177): a
    relay board that switches at low level would open the gate for a moment at every start.
    """

    class Pin(module.LGPIOPin):  # type: ignore[misc]  # its base is known only on a Pi
        def output_with_state(self, state: int) -> None:
            module.lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))

    return Pin
