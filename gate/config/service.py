"""Settings of the lane, its hours, its log and the service."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from gate.config.base import Seconds, Section
from gate.core.rules import RearmRule


def _on_the_wall(value: object) -> time:
    """The time that the text says. Raises ValueError where it is none of the lane's own clock.

    ``09:00Z`` can't be compared with that clock, and the calendar has no fractions of a second.
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", value):
        with suppress(ValueError):
            return time.fromisoformat(value)
    if isinstance(value, time) and value.tzinfo is None and not value.microsecond:
        return value
    raise ValueError("should be a time on the lane's own clock, like 09:30 and without a zone")


WallTime: TypeAlias = Annotated[time, BeforeValidator(_on_the_wall)]
"""A time of the day, without a zone, in whole seconds."""


class GateSettings(Section):
    """Who this gate is."""

    id: str = Field("gate-1", min_length=1, max_length=64)


class RearmSettings(Section):
    """The pause between two guests."""

    rule: RearmRule = RearmRule.FACE_GONE
    after_s: Annotated[float, Field(ge=0, le=3600)] = 1.0


class Day(StrEnum):
    """A day of the week, as APScheduler writes it."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class HoursSettings(Section):
    """One span of opening hours; it may run past midnight."""

    days: tuple[Day, ...] = tuple(Day)
    opens: WallTime
    closes: WallTime

    @field_validator("closes")
    @classmethod
    def _another_time(cls, value: time, info: ValidationInfo) -> time:
        if value == info.data.get("opens"):
            raise ValueError("must differ from 'opens'; for an open lane day and night: hours: []")
        return value


class LaneSettings(Section):
    """When the lane is open."""

    hours: tuple[HoursSettings, ...] = ()
    timezone: str | None = None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("is no time zone; write it like Europe/Berlin")
        return value

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of the hours, or None for the system's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


class Unwritable(StrEnum):
    """What happens to grants while the log can't be written."""

    DENY = "deny"
    GRANT_AND_JOURNAL = "grant_and_journal"


class StoreSettings(Section):
    """Where the audit log lives."""

    path: Path = Path("/var/lib/smile-gate/audit.db")
    when_unwritable: Unwritable = Unwritable.DENY
    keep_days: Annotated[float, Field(ge=1, le=36500)] | None = None
    keep_megabytes: Annotated[float, Field(ge=10, le=1e6)] | None = None
    backup_to: Path | None = None
    backups_kept: int = Field(7, ge=1, le=1000)
    upkeep_at: WallTime = time(3, 30)


class ServiceSettings(Section):
    """How the daemon behaves as a service."""

    crash_starts: int = Field(3, ge=1, le=100)
    crash_window_s: Annotated[float, Field(gt=0, le=86400)] = 300.0
    healthy_after_s: Seconds = 60.0


class ControlSettings(Section):
    """Where operators reach the running gate, and which of them may steer it."""

    socket: Path | None = Path("/run/smile-gate/control.sock")
    group: str = "smile-gate"


class MetricsSettings(Section):
    """Where Prometheus finds the metrics; nowhere by default."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    address: str = "127.0.0.1"
    textfile: Path | None = None
    textfile_every_s: Annotated[float, Field(ge=1, le=3600)] = 15.0

    @field_validator("textfile")
    @classmethod
    def _as_node_exporter_reads(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".prom":
            raise ValueError("must end in .prom, or node_exporter does not read it")
        return value

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told."""
        return self.port is not None or self.textfile is not None
