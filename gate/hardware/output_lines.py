"""The output lines, claimed together and switched in one place, so that interlocks always hold."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gpiozero

from gate.core.domain import GATE
from gate.errors import RelayError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One output: its GPIO number, the level that switches it on, its safe position."""

    name: str
    pin: int
    active_high: bool = True
    rests_on: bool = False
    """Whether the line is on in its safe position (a lock that is held shut by power)."""
    emergency_on: bool = False
    """Whether the line is on in an emergency."""


class OutputLines:
    """All outputs of the gate. Every method may be called from any thread.

    Of two interlocked lines only one is on: the newer one, but never at the cost of the gate's.
    What is on is kept in memory: a line that cannot be read can still be driven.
    """

    def __init__(
        self,
        factory: Any,
        lines: Iterable[OutputLine],
        interlocks: Iterable[tuple[str, str]] = (),
        *,
        emergency: bool = False,
    ) -> None:
        """Claim each line directly in its safe position. Raises `RelayError`, nothing kept.

        Any other line than the gate's that cannot be claimed is logged, and tried again when it is
        to be driven: no lamp keeps the gate from running. ``emergency``: an emergency is latched,
        and they are claimed in that position instead.
        """
        self._factory = factory
        self._lock = threading.RLock()
        self._partners: dict[str, list[str]] = {}
        for one, other in interlocks:
            self._partners.setdefault(one, []).append(other)
            self._partners.setdefault(other, []).append(one)
        self._lines = {line.name: line for line in lines}
        self._devices: dict[str, Any] = {}
        self._on: dict[str, bool | None] = {}
        self._ends: dict[str, bool] = {}
        for line in self._lines.values():
            on = line.emergency_on if emergency else line.rests_on
            try:
                self._claim(line, on)
            except RelayError as error:
                if line.name == GATE:
                    self.close()
                    raise
                log.error("%s; it is tried again", error)

    def switch(self, name: str, on: bool) -> bool:
        """Switch a line; False if an interlock keeps it off. Raises `RelayError`.

        A rival that cannot be switched off keeps the line off, but no other rival on.
        """
        with self._lock:
            if on:
                rivals = self._rivals(name)
                if GATE in rivals:
                    return False
                if problems := self._release(rivals):
                    raise RelayError("; ".join(problems))
            self._drive(name, on=on)
        return True

    def force(self, name: str, on: bool) -> None:
        """Switch a line whatever its interlocks say. Raises `RelayError` if it can't be driven.

        This is for safety and the way out: the line moves first. Its rivals are switched off
        afterwards; one that stays on is logged.
        """
        with self._lock:
            self._drive(name, on=on)
            if on:
                for problem in self._release(self._rivals(name)):
                    log.error("%s, though '%s' is on", problem, name)

    def is_on(self, name: str) -> bool | None:
        """Whether a line was switched on; None where its last switching failed. Never raises."""
        return self._on[name]

    @property
    def unclaimed(self) -> list[str]:
        """The lines that could not be claimed yet."""
        return [name for name in self._lines if name not in self._devices]

    def read(self, name: str) -> bool:
        """Whether the pin itself says that it is on. Raises `RelayError`."""
        try:
            return bool(self._devices[name].value)
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the line of '{name}' cannot be read: {error}") from None

    def end_at(self, name: str, on: bool | None) -> None:
        """Have `close` leave a line on or off, as an emergency asks; None for its safe position."""
        with self._lock:
            if on is None:
                self._ends.pop(name, None)
            else:
                self._ends[name] = on

    def close(self) -> list[str]:
        """Each line to its safe position, then given back; what went wrong, a sentence for each.

        May be called twice: a line that could not be given back is tried again. One that `end_at`
        names stays driven until the process has ended: given back, it would float.
        """
        problems: list[str | None] = []
        with self._lock:
            for name, device in self._devices.items():
                kept = name in self._ends
                on = self._ends.get(name, self._lines[name].rests_on)
                if device.closed or (kept and self._on.get(name) is on):
                    continue
                problems.append(_attempt(partial(self._drive, name, on=on)))
                if not kept:
                    problems.append(_attempt(partial(self._give_back, name)))
        told = [problem for problem in problems if problem is not None]
        for problem in told:
            log.critical("at the end: %s", problem)
        return told

    def _rivals(self, name: str) -> list[str]:
        """The interlocked lines that are on, or may be."""
        return [one for one in self._partners.get(name, ()) if self._on[one] is not False]

    def _release(self, rivals: Iterable[str]) -> list[str]:
        """Switch lines off, each by itself; what went wrong."""
        done = [_attempt(partial(self._drive, one, on=False)) for one in rivals]
        return [problem for problem in done if problem is not None]

    def _give_back(self, name: str) -> None:
        try:
            self._devices[name].close()
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the line of '{name}' cannot be given back: {error}") from None

    def _claim(self, line: OutputLine, on: bool) -> None:
        self._on[line.name] = None
        try:
            self._devices[line.name] = gpiozero.DigitalOutputDevice(
                line.pin,
                active_high=line.active_high,
                initial_value=on,
                pin_factory=self._factory,
            )
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(
                f"GPIO {line.pin} cannot be claimed for '{line.name}': {error}"
            ) from None
        self._on[line.name] = on

    def _drive(self, name: str, *, on: bool) -> None:
        if name not in self._devices:
            self._claim(self._lines[name], on)
            return
        self._on[name] = None
        try:
            self._devices[name].value = on
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(f"the line of '{name}' cannot be driven: {error}") from None
        self._on[name] = on


def _attempt(work: Callable[[], None]) -> str | None:
    """Do something with a line; what went wrong, or None."""
    try:
        work()
    except RelayError as error:
        return str(error)
    return None
