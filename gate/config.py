"""The YAML file of the technician → a frozen `Config`; every mistake at once, with its line."""

from __future__ import annotations

import difflib
import hashlib
import json
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from gate.errors import ConfigError
from gate.rules import RearmRule, Rules
from gate.yamlfile import Tree, read

Seconds = Annotated[float, Field(gt=0, le=3600)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pin = Annotated[int, Field(ge=0, le=27)]
"""A line of the Pi's 40-pin header by its GPIO (Broadcom) number."""


class Section(BaseModel):
    """What all sections share: no unknown keys, no silent conversions, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Gate(Section):
    """Who this gate is."""

    id: str = Field("gate-1", min_length=1, max_length=64)


class Camera(Section):
    """Where the pictures come from."""

    source: str | int = "picamera"
    width: int = Field(640, ge=160, le=4096)
    height: int = Field(480, ge=120, le=4096)
    fps: float = Field(15, gt=0, le=120)
    rotate: Literal[0, 90, 180, 270] = 0
    mirror: bool = False
    loop: bool = False
    stale_after_s: Seconds = 2.0
    retry_first_s: Seconds = 0.5
    retry_max_s: Seconds = 30.0

    @field_validator("retry_max_s")
    @classmethod
    def _not_before_the_first(cls, value: float, info: ValidationInfo) -> float:
        first = info.data.get("retry_first_s")
        if first is not None and value < first:
            raise ValueError(f"must be at least retry_first_s ({first:g})")
        return value


class Face(Section):
    """Which face is the guest's."""

    min_height: float = Field(0.1, ge=0.03, le=1)
    lost_s: Seconds = 1.0


class Smile(Section):
    """What counts as a smile, and how long it must last."""

    model: Path | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    frames: int = Field(8, ge=1, le=600)
    missed_frames: int = Field(3, ge=0, le=60)


class EyesOpen(StrEnum):
    """How many eyes must be open."""

    BOTH = "both"
    ONE = "one"


class Eyes(Section):
    """Whether the eyes are asked for."""

    required: bool = True
    open: EyesOpen = EyesOpen.BOTH


class PinFactory(StrEnum):
    """The library that drives the pins; ``mock`` drives none and must be asked for by name."""

    LGPIO = "lgpio"
    RPIGPIO = "rpigpio"
    PIGPIO = "pigpio"
    NATIVE = "native"
    MOCK = "mock"


class Relay(Section):
    """The line that opens the gate."""

    pin_factory: PinFactory = PinFactory.LGPIO
    pin: Pin = 17
    active_high: bool = True
    hold_s: Seconds = 5.0
    max_on_s: Seconds = 10.0

    @field_validator("max_on_s")
    @classmethod
    def _covers_the_hold(cls, value: float, info: ValidationInfo) -> float:
        hold = info.data.get("hold_s")
        if hold is not None and value < hold:
            raise ValueError(f"must be at least hold_s ({hold:g}), or the limit cuts each grant")
        return value


class Rearm(Section):
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


class Hours(Section):
    """One span of opening hours; it may run past midnight."""

    days: tuple[Day, ...] = tuple(Day)
    opens: time
    closes: time

    @field_validator("closes")
    @classmethod
    def _another_time(cls, value: time, info: ValidationInfo) -> time:
        if value == info.data.get("opens"):
            raise ValueError("must differ from 'opens'; for an open lane day and night: hours: []")
        return value


class LaneHours(Section):
    """When the lane is open."""

    hours: tuple[Hours, ...] = ()
    timezone: str | None = None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"no such time zone{suggestion(value, available_timezones())}")
        return value

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of the hours, or None for the system's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


class Log(Section):
    """Where the audit log lives."""

    path: Path = Path("/var/lib/smile-gate/audit.db")


class Config(Section):
    """All settings of one gate."""

    gate: Gate = Gate()
    camera: Camera = Camera()
    face: Face = Face()
    smile: Smile = Smile()
    eyes: Eyes = Eyes()
    relay: Relay = Relay()
    rearm: Rearm = Rearm()
    lane: LaneHours = LaneHours()
    store: Log = Log()

    def rules(self, card_threshold: float) -> Rules:
        """The rules of a grant; ``card_threshold`` (0–1) holds where the file names none."""
        asked = {EyesOpen.BOTH: 2, EyesOpen.ONE: 1}[self.eyes.open] if self.eyes.required else 0
        return Rules(
            threshold=self.smile.threshold or card_threshold,
            frames=self.smile.frames,
            missed_frames=self.smile.missed_frames,
            eyes=asked,
            lost_s=self.face.lost_s,
            hold_s=self.relay.hold_s,
            rearm=self.rearm.rule,
            rearm_s=self.rearm.after_s,
        )

    def digest(self) -> str:
        """SHA-256 of the effective settings, in hexadecimal: the same settings, the same digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Config:
    """Read a configuration file.

    Relative paths in it are relative to the file. Raises `ConfigError` with one
    ``file:line: message`` line for each mistake.
    """
    tree = read(path)
    mistakes = list(tree.mistakes)
    try:
        config = Config.model_validate_json(json.dumps(tree.value))
    except ValidationError as error:
        spoiled = {line for line, _ in tree.mistakes}  # a value that was left out is no news
        said = (_say(tree, found["loc"], found["type"], found) for found in error.errors())
        mistakes += [(line, text) for line, text in said if line not in spoiled]
    if mistakes:
        raise ConfigError("\n".join(f"{path}:{line}: {text}" for line, text in sorted(mistakes)))
    return _absolute(config, path.resolve().parent)


def _say(
    tree: Tree, where: tuple[int | str, ...], kind: str, mistake: dict[str, Any] | Any
) -> tuple[int, str]:
    """One mistake as (line, text)."""
    # A union adds the name of its branch to the place: keep what the file really has.
    place = tree.known(where)
    name = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        section = place[:-1]
        known = _settings(section)
        text = f"unknown setting '{name}'{suggestion(str(place[-1]), known, section)}"
        return tree.line(place), text
    if kind == "missing":
        return tree.line(place), f"'{name}' needs '{where[-1]}'"
    text = str(mistake["msg"]).removeprefix("Value error, ")
    text = text.replace("Input should", "should").replace("valid integer", "whole number")
    text = text.replace("valid number", "number")
    given = json.dumps(mistake["input"], default=str)
    return tree.line(place), f"'{name}' {text}, not {given}" if "should" in text else (
        f"'{name}' {text}"
    )


def _settings(section: tuple[int | str, ...]) -> list[str]:
    """The names that a section of the file may have."""
    model: Any = Config
    for part in section:
        if isinstance(part, int):
            model = Hours
        elif part in model.model_fields and part != "hours":
            model = model.model_fields[part].annotation
    return list(model.model_fields)


def suggestion(word: str, known: Any, section: tuple[int | str, ...] = ()) -> str:
    """`` (did you mean …?)`` if one of the known words is near, else an empty text."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    if near:
        return f" (did you mean '{near[0]}'?)"
    if not section and word not in known:
        homes = [name for name in known if word in _settings((name,))]
        return f" (did you mean '{homes[0]}.{word}'?)" if homes else ""
    return ""


def _absolute(config: Config, folder: Path) -> Config:
    """Resolve the relative paths of the file against its folder."""
    source = config.camera.source
    if isinstance(source, str) and source != "picamera" and "://" not in source:
        source = str(folder / source)
    model = config.smile.model
    return config.model_copy(
        update={
            "camera": config.camera.model_copy(update={"source": source}),
            "smile": config.smile.model_copy(update={"model": model and folder / model}),
            "store": config.store.model_copy(update={"path": folder / config.store.path}),
        }
    )
