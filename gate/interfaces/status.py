"""The state of the gate at one moment, as `smile-gate status` shows it.

The loop fills a `Status` and hands it out; a reader can't change it. There is no secret in it.
Names and reasons of operators are in it only for people who may steer the gate or read its log.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from gate.core.domain import EventKind, Position, Reason, State
from gate.core.explain import Why
from gate.hardware.board import Board

RECENT = 10
"""Number of newest events that are shown."""


@dataclass(frozen=True, slots=True)
class LaneOrder:
    """Whether the lane is wanted open, and what keeps it closed if it is not."""

    open: bool
    closed_by: tuple[Reason, ...] = ()
    """`SCHEDULE`, `KEY_SWITCH`, `OPERATOR`: those that want it closed; empty for an open lane."""
    who: str | None = None
    """The operator whose close holds; shown only to people who may steer or read the log."""
    why: str | None = None
    """The reason that this operator gave."""
    next_change: datetime | None = None
    """Time of the next change of the opening hours, in their own zone; None for never."""
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
    """State of the camera; rates are over the last ten seconds or so."""

    source: str
    """Source of the pictures, without any password."""
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
    """Reason why there is no picture now; None while there are pictures."""
    stuck: int
    """Camera threads that hang in the driver and were left behind."""


@dataclass(frozen=True, slots=True)
class FrameCost:
    """Time from taking a picture to having acted on it, over the last ten seconds."""

    mean_ms: float | None
    worst_ms: float | None
    """None where no picture was judged, as in a closed lane."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The service manager's watchdog."""

    limit_s: float
    """Silence after which it ends the gate, s; 0 where there is no watchdog."""
    margin_s: float | None
    """Limit less the longest silence of the last ten seconds, s."""


@dataclass(frozen=True, slots=True)
class LogHealth:
    """The audit log."""

    path: str
    sequence: int
    """Number of the last event written; 0 for none."""
    unwritten: int
    """Events that wait in memory until the log can be written again."""
    set_aside: str | None
    """New name of a log that was damaged and set aside in this run; None where it was whole."""


@dataclass(frozen=True, slots=True)
class InputState:
    """One input line."""

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
    """The model and the threshold that decide about a smile."""

    model: str
    """SHA-256 of the model file, hexadecimal."""
    threshold: float
    """Smile probability that qualifies, 0–1."""


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """The settings in force."""

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
    why: Why
    """Why the gate does not open."""
    since_s: float
    """Time in this state, s."""
    visit: int | None
    count: int
    """Smiling frames counted so far in this visit."""
    needed: int
    """Smiling frames that open the gate."""
    lane: LaneOrder
    faults: tuple[Failure, ...]
    relay: Position | None
    """The relay's position; None after it could not be driven."""
    inputs: tuple[InputState, ...]
    camera: CameraHealth
    work: FrameCost
    watchdog: Watchdog
    log: LogHealth
    judging: ModelInForce
    settings: SettingsInForce
    board: Board
    """State of the machine: heat, power, disk, clock."""
    events: tuple[RecentEvent, ...]
    """The newest first, `RECENT` at most."""

    @property
    def well(self) -> bool:
        """Running as it should: no part at fault, no emergency. A closed lane is well."""
        return not self.faults and self.state is not State.EMERGENCY

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON types; times are ISO 8601 with their offset."""
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
