"""Trace of a replay, for a picture or a summary: each frame's result, events, relay moves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gate.core.domain import Event, EventKind, Observation, Position, Reason, State
from gate.core.rules import Rules


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """An event of a run, with the 0-based index of the frame at which it came."""

    frame: int
    event: Event


@dataclass(frozen=True, slots=True)
class TraceFrame:
    """The observation of one frame, and the lane's state after it."""

    observation: Observation
    state: State
    count: int
    work_s: float
    """Time that judging the frame took, decoding not counted."""


@dataclass(slots=True)
class Trace:
    """Events and frames of a run, in order."""

    rules: Rules
    fps: float
    happenings: list[TraceEvent] = field(default_factory=list)
    moments: list[TraceFrame] = field(default_factory=list)
    moves: list[tuple[float, Position]] = field(default_factory=list)
    """Moves of the relay: time, s, and position."""
    notes: list[str] = field(default_factory=list)
    """What is wrong with the recording itself."""

    @property
    def grants(self) -> int:
        """Grants to guests."""
        return sum(it.event.kind is EventKind.GRANTED for it in self.happenings)

    @property
    def denials(self) -> dict[Reason, int]:
        """Visits that ended without a grant, by reason."""
        left = (it.event for it in self.happenings if it.event.kind is EventKind.VISIT_LEFT)
        return dict(Counter(event.reason for event in left if event.reason is not None))
