"""Lamps, buzzers and the heartbeat: they show people and other machines how the gate is."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from gate.core.domain import HEARTBEAT, EventKind, State
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLines

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lamp:
    """An output that is on in some states, and for ``flash_s`` seconds after some events."""

    name: str
    shows: frozenset[State] = frozenset()
    flashes: frozenset[EventKind] = frozenset()
    flash_s: float = 1.0


class Indicators:
    """Switches the lamps. Only the loop's thread may call it.

    A lamp that can't be switched is logged once and does not stop the gate.
    """

    def __init__(
        self, lines: OutputLines, lamps: Iterable[Lamp], *, heartbeat_s: float | None = None
    ) -> None:
        self._lines = lines
        self._lamps = tuple(lamps)
        self._heartbeat_s = heartbeat_s
        self._beat_at = 0.0
        self._beat = False
        self._until: dict[str, float] = {}
        self._broken: set[str] = set()

    def record_event(self, kind: EventKind, now: float) -> None:
        """Start the flash of every lamp that an event of this kind makes flash."""
        for lamp in self._lamps:
            if kind in lamp.flashes:
                self._until[lamp.name] = now + lamp.flash_s

    def update(self, state: State, now: float) -> None:
        """Switch the lamps as the state asks, and toggle the heartbeat; called at each turn.

        The heartbeat is toggled here and nowhere else: it stops when the loop does.
        """
        for lamp in self._lamps:
            on = state in lamp.shows or now < self._until.get(lamp.name, now)
            self._switch(lamp.name, on)
        if self._heartbeat_s is not None and now - self._beat_at >= self._heartbeat_s / 2:
            self._beat_at = now
            self._beat = not self._beat
            self._switch(HEARTBEAT, self._beat)

    def _switch(self, name: str, on: bool) -> None:
        try:
            if self._lines.is_on(name) is not on:
                self._lines.switch(name, on)
        except RelayError as error:
            if name not in self._broken:
                self._broken.add(name)
                log.error("%s", error)
