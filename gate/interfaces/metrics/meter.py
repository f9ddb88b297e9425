"""What the loop reports to whoever measures it; by default nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gate.core.controller import Recorder
from gate.core.domain import Event, Reason, State


class FrameOutcome(StrEnum):
    """What became of a frame."""

    JUDGED = "judged"
    RESTING = "resting"
    """Nobody was to be judged: the lane is closed, at fault or open."""
    LATE = "late"
    """Too old to open a gate with."""
    FAILED = "failed"
    """The same picture again and again, or one that could not be judged."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What became of one frame, and what it took."""

    outcome: FrameOutcome
    age_s: float
    """From when it was made to when the loop took it, s."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """What each stage of judging it took, s, and the ``whole``; empty unless it was judged."""


@dataclass(frozen=True, slots=True)
class LoopTurn:
    """How things stand after a turn of the loop; times are monotonic seconds."""

    now: float
    state: State
    open: bool
    faults: frozenset[Reason]
    fresh_at: float
    """When the newest good picture was taken."""
    dropped: int
    """Frames replaced by a newer one since the start."""
    unwritten: int = 0
    """Events that wait until the log can be written again."""
    oldest_unwritten: float | None = None
    """When the first of them happened."""
    pinged_at: float | None = None
    """When the watchdog was last told that all is well; None where nobody watches."""


class Meter:
    """Takes note of nothing; the one in `prometheus` does. Only the loop's thread calls it."""

    def record_event(self, event: Event) -> None:
        """An event was recorded."""

    def record_frame(self, result: FrameResult) -> None:
        """A frame was taken from the inbox."""

    def record_turn(self, turn: LoopTurn) -> None:
        """The loop turned."""

    def timed(self, recorder: Recorder) -> Recorder:
        """The recorder, with its commits measured."""
        return recorder

    def close(self) -> None:
        """Stop measuring; may be called twice."""
