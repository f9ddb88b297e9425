"""Drives recorded lines to where they belong, each by itself, and says truly what came of it.

``smile-gate safe-state`` does this, and so does the guard of a gate that it had to end: it becomes
``python -m gate.hardware.make_safe RECORD FOLDER…``, where RECORD is what ``lines.json`` says and
the folders are those in which an emergency may be latched.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gpiozero

from gate.errors import RelayError
from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.hardware.output_lines import OutputLine
from gate.hardware.pin_factory import pin_factory
from gate.system.emergency_latch import EmergencyLatch

PATIENCE_S = 3.0
"""A process that was killed holds its lines until the kernel has taken it down."""
RETRY_S = 0.02


@dataclass(frozen=True, slots=True)
class LineResult:
    """What came of one line."""

    line: OutputLine
    emergency: bool
    """Whether it was to go to its emergency position, not to its safe one."""
    problem: str | None = None
    kept: Any = None
    """The open device of a line that has to stay driven: the process must end by `os._exit`."""

    def __str__(self) -> str:
        """One line for a person."""
        where = f"{self.line.name} on GPIO {self.line.pin}"
        position = "in its emergency position" if self.emergency else "safe"
        if self.problem is not None:
            return f"{where}: NOT {position}: {self.problem}"
        return f"{where}: {position}, {'on' if _is_on(self.line, self.emergency) else 'off'}"


def make_safe(
    in_force: LinesInForce,
    *,
    emergency: bool = False,
    patience_s: float = 0.0,
    open_factory: Callable[[str], Any] = pin_factory,
) -> list[LineResult]:
    """Drive each line to its safe position, in an emergency to that one; a result for each.

    A line that another process holds is tried again for ``patience_s`` seconds in all. It is given
    back afterwards, except one that an emergency wants on: given back, it would float.
    """
    try:
        factory = open_factory(in_force.pin_factory)
    except RelayError as error:
        return [LineResult(line, emergency, str(error)) for line in in_force.lines]
    give_up = time.monotonic() + patience_s
    results = []
    for line in in_force.lines:
        result = _drive(line, emergency, factory)
        while result.problem is not None and time.monotonic() < give_up:
            time.sleep(RETRY_S)
            result = _drive(line, emergency, factory)
        results.append(result)
    return results


def _drive(line: OutputLine, emergency: bool, factory: Any) -> LineResult:
    on = _is_on(line, emergency)
    try:
        device = gpiozero.DigitalOutputDevice(
            line.pin, active_high=line.active_high, initial_value=on, pin_factory=factory
        )
    except Exception as error:  # lgpio and others raise types of their own
        busy = "busy" in str(error).lower()
        why = "another process holds it" if busy else f"cannot be driven: {error}"
        return LineResult(line, emergency, why)
    problem = _check(device, on)
    kept = device if emergency and on else None
    if kept is None:
        try:
            device.close()
        except Exception as error:  # lgpio and others raise types of their own
            problem = problem or f"driven, but cannot be given back: {error}"
    return LineResult(line, emergency, problem, kept)


def _check(device: Any, on: bool) -> str | None:
    """Read the pin back; what is wrong with it."""
    try:
        follows = bool(device.value) is on
    except Exception as error:  # lgpio and others raise types of their own
        return f"driven, but cannot be read back: {error}"
    return None if follows else "driven, but the pin does not follow: something else holds it"


def _is_on(line: OutputLine, emergency: bool) -> bool:
    return line.emergency_on if emergency else line.rests_on


def main(arguments: Sequence[str], open_factory: Callable[[str], Any] = pin_factory) -> int:
    """Make the lines of a record safe; the exit code is 1 if any of them is not."""
    emergency = EmergencyLatch(map(Path, arguments[1:])).is_set()
    in_force = lines_file.parse(arguments[0].encode())
    results = make_safe(
        in_force, emergency=emergency, patience_s=PATIENCE_S, open_factory=open_factory
    )
    for result in results:
        print(f"smile-gate guard: {result}", file=sys.stderr, flush=True)
    code = int(any(result.problem is not None for result in results))
    os._exit(code)  # what is kept driven must not be given back by Python's own end


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
