"""Input lines: emergency, request to exit, passage, door, tamper, key switch, assist."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

import gpiozero

from gate.errors import RelayError
from gate.hardware.pin_factory import EdgeThread

log = logging.getLogger(__name__)

EDGE_S = 1.0
"""A level that nobody told of for so long means that edges are lost, not late."""
RESTART_S = 1.0
"""How often a watching that does not work is started anew."""


class Reading(StrEnum):
    """What a contact says. A plain contact knows the first two; a supervised line all four."""

    AT_REST = "at_rest"
    ACTIVE = "active"
    OPEN = "open"
    """The wire is cut."""
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class InputLine:
    """Wiring of one input."""

    pin: int
    normally_closed: bool = False
    """Whether the contact opens when it is active; a cut wire is active then, too."""
    pull_up: bool | None = True
    """The Pi's own resistor: up, down, or None for an outer one that pulls the line up."""
    debounce_s: float = 0.02


class Edges(Protocol):
    """What tells of edges, see `gate.hardware.pin_factory.EdgeThread`."""

    def is_alive(self) -> bool:
        """Whether edges can be told."""

    def restart(self) -> None:
        """Have them told again; each line has to be watched anew afterwards."""


class _Unclaimed:
    """Stands for the device of a line that could not be claimed yet."""

    @property
    def value(self) -> bool:
        raise RelayError("it could not be claimed")

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class _Watched:
    """A contact that is watched. Its lock keeps the order in which its readings are told.

    Whoever compares a level with what was told reads it within the lock: no edge comes between.
    """

    name: str
    contact: InputLine
    handler: Callable[[Reading], None]
    device: Any = field(default_factory=_Unclaimed)
    told: Reading = Reading.AT_REST
    differs_at: float | None = None
    """Since when its level is another than what was told; None where it is the same."""
    unheard_at: float | None = None
    """Since when an edge is missing for a level that was polled; None where none is."""
    unreadable: str | None = None
    lock: Any = field(default_factory=threading.RLock)


class InputLines:
    """Watches the contacts, by edges and by their levels.

    Handlers are called from gpiozero's thread or from the one that calls `poll`; what they raise is
    logged and goes no further: it would end gpiozero's thread, and with it all inputs.
    """

    def __init__(self, factory: Any, edges: Edges | None = None) -> None:
        self._factory = factory
        self._edges: Edges = edges or EdgeThread(factory)
        self._watched: dict[str, _Watched] = {}
        self._restarted_at = -RESTART_S
        self._restarted = True
        self.problem: str | None = None
        """What is wrong with an input or with the watching; None where nothing is."""

    def connect(self, name: str, contact: InputLine, handler: Callable[[Reading], None]) -> None:
        """Claim a line, and call the handler at each change. Raises `RelayError`.

        For a contact that is active already the handler is called at once. A line that could not be
        claimed is a `problem` from then on, and tried again by `poll`.
        """
        watched = self._watched[name] = _Watched(name, contact, handler)
        self._tell(watched, self._open(watched))

    def is_claimed(self, name: str) -> bool:
        """Whether a contact is watched by now."""
        return not isinstance(self._watched[name].device, _Unclaimed)

    def reading(self, name: str) -> Reading:
        """What a contact says now; what was told last where its line can't be read."""
        watched = self._watched[name]
        try:
            return _read(watched)
        except Exception:  # lgpio and others raise types of their own; `poll` says it
            return watched.told

    def active(self) -> dict[str, bool]:
        """Each input that there is, and whether it says something now."""
        return {name: self.reading(name) is not Reading.AT_REST for name in self._watched}

    def poll(self, now: float) -> None:
        """Compare all levels with what the edges told; for each turn of the loop, never raises.

        A level that differs for as long as the contact's debounce time is told from here. Where its
        edge does not follow, or the thread that tells of edges has ended, the watching is a
        `problem`, and started anew.
        """
        problems = [self._compare(watched, now) for watched in self._watched.values()]
        if not self._edges.is_alive():
            problems.append("the thread that tells of changes has ended")
        found = [problem for problem in problems if problem is not None]
        if not self._restarted:
            found.append(self.problem or "the watching could not be started anew")
        self.problem = found[0] if found else None
        if found and now - self._restarted_at >= RESTART_S:
            self._restarted_at = now
            self._restart()

    def close(self) -> None:
        """Give the lines back, each by itself; may be called twice."""
        for watched in self._watched.values():
            try:
                watched.device.close()
            except Exception as error:  # lgpio and others raise types of their own
                log.error("inputs.%s cannot be given back: %s", watched.name, error)

    def _compare(self, watched: _Watched, now: float) -> str | None:
        """Tell a level that no edge told; what is wrong with this input."""
        with watched.lock:
            try:
                reading = _read(watched)
            except Exception as error:  # lgpio and others raise types of their own
                return f"inputs.{watched.name} cannot be read: {error}"
            if reading is watched.told:
                watched.differs_at = None
            elif watched.differs_at is None and watched.contact.debounce_s:
                watched.differs_at = now
            elif (
                watched.differs_at is None or now - watched.differs_at >= watched.contact.debounce_s
            ):
                watched.differs_at = None
                watched.unheard_at = now
                self._tell(watched, reading)
            if watched.unheard_at is not None and now - watched.unheard_at >= EDGE_S:
                watched.unheard_at = None
                return f"inputs.{watched.name} changed and its edge was not told"
            return None

    def _restart(self) -> None:
        """Watch every line anew; one that can't be is tried again by `poll`."""
        log.error("%s; the inputs are watched anew", self.problem)
        self._restarted = True
        try:
            self._edges.restart()
        except Exception:
            log.exception("the thread that tells of changes cannot be started")
            self._restarted = False
        for watched in self._watched.values():
            with watched.lock:
                try:
                    watched.device.close()
                    reading = self._open(watched)
                except Exception as error:  # lgpio and others raise types of their own
                    log.error("%s", error)
                    self._restarted = False
                else:
                    self._tell(watched, reading)

    def _open(self, watched: _Watched) -> Reading:
        """Claim the line and watch it; what it says. Raises `RelayError`."""
        line = watched.contact
        try:
            device = gpiozero.DigitalInputDevice(
                line.pin,
                pull_up=line.pull_up,
                # Active means closed: gpiozero takes it from the pull; without one it must be said.
                active_state=False if line.pull_up is None else None,
                bounce_time=line.debounce_s or None,
                pin_factory=self._factory,
            )
            watched.device = device
            device.when_activated = partial(self._on_edge, watched, True)
            device.when_deactivated = partial(self._on_edge, watched, False)
            return _read(watched)
        except Exception as error:  # lgpio and others raise types of their own
            raise RelayError(
                f"GPIO {line.pin} cannot be claimed for inputs.{watched.name}: {error}"
            ) from None

    def _on_edge(self, watched: _Watched, closed: bool) -> None:
        with watched.lock:
            watched.unheard_at = watched.differs_at = None
            self._tell(watched, _meaning(watched.contact, closed))

    def _tell(self, watched: _Watched, reading: Reading) -> None:
        with watched.lock:
            if reading is watched.told:
                return
            watched.told = reading
            try:
                watched.handler(reading)
            except Exception:
                log.exception("inputs.%s is %s, and that could not be told", watched.name, reading)


def _read(watched: _Watched) -> Reading:
    return _meaning(watched.contact, bool(watched.device.value))


def _meaning(contact: InputLine, closed: bool) -> Reading:
    return Reading.ACTIVE if closed is not contact.normally_closed else Reading.AT_REST
