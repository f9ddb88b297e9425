"""Pins whose history lives outside of the process that drives them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin


@dataclass(frozen=True, slots=True)
class Change:
    """A level that was driven: monotonic time (s), GPIO number, level."""

    at: float
    pin: int
    level: bool


def recording_factory(path: Path) -> Any:
    """A pin factory that writes every driven level to a file before it takes effect.

    The line that the file describes keeps its level when the process dies, as a Pi's may.
    """
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Pin(MockPin):  # type: ignore[misc]  # gpiozero has no types
        def _set_state(self, value: int) -> None:
            os.write(log, f"{time.monotonic():.6f} {self.info.name} {int(value)}\n".encode())
            super()._set_state(value)

    return MockFactory(pin_class=Pin)


def history(path: Path) -> list[Change]:
    """What was driven, in order."""
    if not path.exists():
        return []
    rows = (line.split() for line in path.read_text().splitlines())
    return [
        Change(float(at), int(pin.removeprefix("GPIO")), level == "1") for at, pin, level in rows
    ]
