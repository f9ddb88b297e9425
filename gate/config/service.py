"""Settings of the lane, its hours, its log and the service."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from gate.config.base import Applied, Seconds, Section, setting
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
    raise ValueError("must be a time on the lane's own clock, like 09:30 and without a zone")


WallTime: TypeAlias = Annotated[time, BeforeValidator(_on_the_wall)]
"""A time of the day, without a zone, in whole seconds."""


class GateSettings(Section):
    """Which gate this is."""

    id: str = setting(
        "gate-1",
        "the gate's name in the log",
        applied=Applied.RESTART,
        change="change it where there are several gates",
        min_length=1,
        max_length=64,
    )


class RearmSettings(Section):
    """The pause between two guests."""

    rule: RearmRule = setting(
        RearmRule.FACE_GONE,
        "what ends the pause after a grant: face_gone, passage (sensor) or cool_down (time)",
        applied=Applied.NOW,
    )
    after_s: float = setting(
        1.0, "the pause is at least this long", unit="s", applied=Applied.NOW, ge=0, le=3600
    )


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

    days: tuple[Day, ...] = setting(tuple(Day), "the days on which it begins")
    opens: WallTime = setting(..., "when it begins", example='"09:30"')
    closes: WallTime = setting(
        ..., "when it ends; on the next day where that is not after opens", example='"18:00"'
    )

    @field_validator("closes")
    @classmethod
    def _another_time(cls, value: time, info: ValidationInfo) -> time:
        """From midnight to midnight is a whole day; the same time otherwise is a slip."""
        if value == info.data.get("opens") and value != time():
            raise ValueError(
                "must differ from 'opens'; for a whole day write opens 00:00, closes 24:00, for an"
                " open lane day and night: hours: []"
            )
        return value


class LaneSettings(Section):
    """When the lane is open."""

    hours: tuple[HoursSettings, ...] = setting(
        (),
        "spans in which the lane is open, also past midnight; none: always",
        applied=Applied.NOW,
        example='[{days: [sat, sun], opens: "09:30", closes: "18:00"}]',
    )
    timezone: str | None = setting(
        None,
        "time zone of the hours; null is the system's own",
        applied=Applied.NOW,
        example="Europe/Berlin",
    )

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is None:
            return None
        zones = {zone.lower(): zone for zone in available_timezones()}
        if value.lower() in zones:
            return zones[value.lower()]
        place = value.lower().replace(" ", "_")
        near = [zones[zone] for zone in sorted(zones) if zone.rpartition("/")[2] == place]
        near += [zones[one] for one in get_close_matches(place, zones, n=1)]
        meant = f" (did you mean '{near[0]}'?)" if near else ""
        raise ValueError(f"is no time zone: {value}{meant}; write it like Europe/Berlin")

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of the hours, or None for the system's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


class Unwritable(StrEnum):
    """What happens to grants while the log can't be written."""

    DENY = "deny"
    GRANT_AND_JOURNAL = "grant_and_journal"


class StoreSettings(Section):
    """The audit log, and what is done to it at night."""

    path: Path = setting(
        Path("/var/lib/smile-gate/audit.db"), "the audit log", applied=Applied.RESTART
    )
    when_unwritable: Unwritable = setting(
        Unwritable.DENY,
        "deny, or grant_and_journal: let guests in while the log cannot be written",
        applied=Applied.NOW,
    )
    grant_within_s: float = setting(
        0.5,
        "a grant that is not in the log after this long lapses, and the lane is at fault",
        unit="s",
        applied=Applied.NOW,
        change="lengthen it for a card that is often slower",
        ge=0.05,
        le=60,
    )
    keep_days: Annotated[float, Field(ge=1, le=36500)] | None = setting(
        None,
        "events of more days ago are deleted at night, by a recorded checkpoint; null keeps all",
        unit="days",
        applied=Applied.NOW,
    )
    keep_megabytes: Annotated[float, Field(ge=10, le=1e6)] | None = setting(
        None,
        "the oldest events beyond this size are deleted at night; null: no limit",
        unit="MB",
        applied=Applied.NOW,
    )
    backup_to: Path | None = setting(
        None,
        "a folder, best on another medium, for a verified copy each night",
        applied=Applied.NOW,
    )
    backups_kept: int = setting(
        7, "the newest so many copies are kept", applied=Applied.NOW, ge=1, le=1000
    )
    upkeep_at: WallTime = setting(
        time(3, 30),
        "when the log is verified, copied and pruned",
        applied=Applied.NOW,
        change="choose a time without guests",
    )


class ServiceSettings(Section):
    """Starts that follow crashes."""

    crash_starts: int = setting(
        3, "after so many unclean ends …", applied=Applied.RESTART, ge=1, le=100
    )
    crash_window_s: float = setting(
        300.0,
        "… within this time the lane stays shut …",
        unit="s",
        applied=Applied.RESTART,
        gt=0,
        le=86400,
    )
    healthy_after_s: Seconds = setting(
        60.0, "… until the gate has run this long", unit="s", applied=Applied.NOW
    )


GroupName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
"""A group of the system: groupadd(8)."""


class ControlSettings(Section):
    """Where the running gate is reached, and who may do what there.

    Who steers is one group, as it was in 0.1.0. The other roles are lists of groups: page, fleet
    and auditors are users of their own, each in a group of its own. Nobody has such a role unless
    a list names their group; no role implies another; root and the gate's user have all of them.
    """

    socket: Path | None = setting(
        Path("/run/smile-gate/control.sock"),
        "where smile-gate status, open, close … reach the gate; null: nowhere",
        applied=Applied.RESTART,
    )
    group: str = setting(
        "smile-gate",
        "besides root and the gate's user, this group may steer; everybody may read the status",
        applied=Applied.RESTART,
    )
    viewers: tuple[GroupName, ...] = setting(
        (),
        "groups that may watch the camera's picture, and nothing else; none: nobody",
        applied=Applied.RESTART,
        example="[smile-gate-web]",
    )
    readers: tuple[GroupName, ...] = setting(
        (),
        "groups that may read the log through the gate, names included; none: nobody",
        applied=Applied.RESTART,
        change="for auditors who are not root, and for what sends the log elsewhere",
        example="[smile-gate-audit]",
    )
    speakers: tuple[GroupName, ...] = setting(
        (),
        "groups that may steer in the name of a person, recorded as anna via their own user; none:"
        " nobody",
        applied=Applied.RESTART,
        change="only for a program that knows its people by a password of their own",
        example="[smile-gate-web]",
    )


class MetricsSettings(Section):
    """Metrics for Prometheus, none by default: docs/monitoring.md."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = setting(
        None,
        "port of http://address:port/metrics; null: none",
        applied=Applied.RESTART,
        example="9273",
    )
    address: str = setting(
        "127.0.0.1",
        "who may ask; 0.0.0.0 is everybody on the network",
        applied=Applied.RESTART,
    )
    textfile: Path | None = setting(
        None,
        "a file for node_exporter; /run is memory, a path on the SD card wears it out",
        applied=Applied.RESTART,
        example="/run/smile-gate/smile-gate.prom",
    )
    textfile_every_s: float = setting(
        15.0, "how often the file is written", unit="s", applied=Applied.RESTART, ge=1, le=3600
    )

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
