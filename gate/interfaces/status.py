"""How the gate is at one moment: what `smile-gate status` shows and what the metrics are made of.

The loop fills a `Status` and hands it out; whoever reads it can't change anything. There is no
secret in it. Operators and their words are in it only for those who may steer the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from gate.core.domain import EventKind, Position, Reason, State
from gate.hardware.board import Board

RECENT = 10
"""So many of the newest events are shown."""


@dataclass(frozen=True, slots=True)
class LaneOrder:
    """Whether the lane is wanted open, and who keeps it closed where it is not."""

    open: bool
    closed_by: tuple[Reason, ...] = ()
    """`SCHEDULE`, `KEY_SWITCH` and `OPERATOR`: all that want it closed; empty for an open lane."""
    who: str | None = None
    """The operator whose close holds; told only to those who may steer."""
    why: str | None = None
    """The reason that this operator gave."""
    next_change: datetime | None = None
    """When the opening hours change next, in their own zone; None where they never do."""
    next_open: bool | None = None
    """Whether the hours open the lane then."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A part that does not work now."""

    part: Reason
    detail: str
    lasted_s: float


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What comes from the camera; rates are over the last ten seconds or so."""

    source: str
    """Where the pictures come from, without any password."""
    fps: float
    """Good pictures a second that the loop took."""
    fps_wanted: float
    judged: int
    """Pictures in which the loop looked for a guest; none in a closed lane."""
    dropped: int
    """Pictures that a newer one replaced before the loop took them."""
    late: int
    """Pictures that were too old to be judged."""
    age_s: float | None
    """Age of the newest good picture; None before the first."""
    problem: str | None
    """Why there is no picture now."""
    stuck: int
    """Camera threads that hang in the driver and were left behind."""


@dataclass(frozen=True, slots=True)
class FrameCost:
    """What a picture costs: from taking it to having acted on it, over the last ten seconds."""

    mean_ms: float | None
    worst_ms: float | None
    """None where no picture was judged, as in a closed lane."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The service manager's patience."""

    limit_s: float
    """It ends the gate after such a silence; 0 where nobody watches."""
    margin_s: float | None
    """What the longest silence of the last ten seconds left of it."""


@dataclass(frozen=True, slots=True)
class LogHealth:
    """The audit log."""

    path: str
    sequence: int
    """Number of the last event written; 0 for none."""
    unwritten: int
    """Events that wait in memory until the log can be written again."""
    set_aside: str | None
    """What a damaged log was renamed to in this run; None where it was whole."""


@dataclass(frozen=True, slots=True)
class InputState:
    """One wire that comes back."""

    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """One of the newest events, in words."""

    kind: EventKind
    wall: datetime
    ago_s: float
    text: str


@dataclass(frozen=True, slots=True)
class ModelInForce:
    """What decides about a smile."""

    model: str
    """SHA-256 of the model file, hexadecimal."""
    threshold: float
    """Smile probability that qualifies, 0–1."""


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """Which settings are in force."""

    path: str | None
    digest: str
    """SHA-256 of the effective settings, hexadecimal."""
    loaded: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """The gate at one moment."""

    version: str
    gate: str
    pid: int
    wall: datetime
    uptime_s: float
    state: State
    since_s: float
    """For how long it has been in this state."""
    visit: int | None
    count: int
    """Smiling frames counted so far in this visit."""
    needed: int
    """How many open the gate."""
    lane: LaneOrder
    faults: tuple[Failure, ...]
    relay: Position | None
    """Where the relay is; None after it could not be driven."""
    inputs: tuple[InputState, ...]
    camera: CameraHealth
    work: FrameCost
    watchdog: Watchdog
    log: LogHealth
    judging: ModelInForce
    settings: SettingsInForce
    board: Board
    """What the machine says of itself: heat, power, disk, clock."""
    events: tuple[RecentEvent, ...]
    """The newest first, `RECENT` at most."""

    @property
    def well(self) -> bool:
        """Running as it should: no part at fault, no emergency. A closed lane is well."""
        return not self.faults and self.state is not State.EMERGENCY

    def as_dict(self) -> dict[str, Any]:
        """The same in what JSON has; times are ISO 8601 with their offset."""
        values: dict[str, Any] = _plain(self)
        return values | {"well": self.well}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float):
        return round(value, 3)
    return value
