"""The loop's reports to a meter; the default one does nothing with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gate.core.domain import Event, Reason, State
from gate.core.recorder import Recorder


class FrameOutcome(StrEnum):
    """Outcome of a frame that the loop took."""

    JUDGED = "judged"
    RESTING = "resting"
    """Not judged: the lane is closed or in an emergency."""
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
    """State of the gate after a turn of the loop; times are monotonic seconds."""

    now: float
    state: State
    open: bool
    faults: frozenset[Reason]
    fresh_at: float
    """Time at which the newest good picture was taken."""
    dropped: int
    """Frames replaced by a newer one since the start."""
    unwritten: int = 0
    """Events that wait until the log can be written again."""
    oldest_unwritten: float | None = None
    """Time of the first of them."""
    pinged_at: float | None = None
    """Time at which the watchdog was last fed; None where there is none."""


class Meter:
    """Meter that ignores everything, and base of the real one. Only the loop's thread calls it."""

    def record_event(self, event: Event) -> None:
        """Note an event that was recorded."""

    def record_frame(self, result: FrameResult) -> None:
        """Note a frame that was taken from the inbox."""

    def record_turn(self, turn: LoopTurn) -> None:
        """Note a turn of the loop."""

    def describe(self, *, model: str, fps_wanted: float) -> None:
        """Another model (its SHA-256) or another rate of pictures is in force."""

    def timed(self, recorder: Recorder) -> Recorder:
        """The recorder, with its commits measured."""
        return recorder

    def close(self) -> None:
        """Stop measuring; may be called twice."""
