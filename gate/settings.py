"""The settings of a gate: their names, types, limits and defaults, as frozen values."""

from __future__ import annotations

import hashlib
import json
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gate.domain import EventKind, State
from gate.rules import RearmRule, Rules

Seconds = Annotated[float, Field(gt=0, le=3600)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pin = Annotated[int, Field(ge=0, le=27)]
"""A line of the Pi's 40-pin header by its GPIO (Broadcom) number."""
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,31}$")]


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
    region: tuple[Fraction, Fraction, Fraction, Fraction] = (0.0, 0.0, 1.0, 1.0)
    similar: Annotated[float, Field(gt=0, le=1)] = 0.6
    acquire_s: Seconds = 0.5
    lost_s: Seconds = 1.0

    @field_validator("region")
    @classmethod
    def _inside_the_picture(
        cls, value: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        left, top, width, height = value
        if not (width > 0 and height > 0 and left + width <= 1 and top + height <= 1):
            raise ValueError("must be [left, top, width, height] in fractions, inside the picture")
        return value


class Light(Section):
    """Beyond these a face can't be judged; mean gray level of the face, 0–255."""

    darkest: Annotated[float, Field(ge=0, le=255)] = 14.0
    brightest: Annotated[float, Field(ge=0, le=255)] = 248.0

    @field_validator("brightest")
    @classmethod
    def _above_the_darkest(cls, value: float, info: ValidationInfo) -> float:
        darkest = info.data.get("darkest")
        if darkest is not None and value <= darkest:
            raise ValueError(f"must be above darkest ({darkest:g})")
        return value


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


class EyesMethod(StrEnum):
    """What judges the eyes: OpenCV's cascade, the eye model, or the model with the cascade."""

    HAAR = "haar"
    MODEL = "model"
    BOTH = "both"


class Eyes(Section):
    """Whether and how the eyes are asked for."""

    required: bool = True
    open: EyesOpen = EyesOpen.BOTH
    method: EyesMethod = EyesMethod.BOTH


class LivenessMode(StrEnum):
    """What a living guest is asked for."""

    OFF = "off"
    NEUTRAL_FIRST = "neutral_first"
    BLINK = "blink"
    BOTH = "both"


class Liveness(Section):
    """Whether a still picture of a smile is kept out."""

    mode: LivenessMode = LivenessMode.OFF


class PinFactory(StrEnum):
    """The library that drives the pins; ``mock`` drives none and must be asked for by name."""

    LGPIO = "lgpio"
    RPIGPIO = "rpigpio"
    PIGPIO = "pigpio"
    NATIVE = "native"
    MOCK = "mock"


class RelayMode(StrEnum):
    """Whether the line is on for the whole hold, or a short pulse tells the turnstile."""

    HOLD = "hold"
    PULSE = "pulse"


class PowerLoss(StrEnum):
    """What the gate does without power: stay shut (fail-secure) or open (fail-safe)."""

    FAIL_SECURE = "fail_secure"
    FAIL_SAFE = "fail_safe"


class OnEmergency(StrEnum):
    """Where the gate goes in an emergency."""

    OPEN = "open"
    SHUT = "shut"


class Relay(Section):
    """The line that opens the gate."""

    pin_factory: PinFactory = PinFactory.LGPIO
    pin: Pin = 17
    active_high: bool = True
    power_loss: PowerLoss = PowerLoss.FAIL_SECURE
    on_emergency: OnEmergency = OnEmergency.OPEN
    mode: RelayMode = RelayMode.HOLD
    pulse_s: Seconds = 0.3
    hold_s: Seconds = 5.0
    max_on_s: Seconds = 10.0

    @field_validator("hold_s")
    @classmethod
    def _covers_the_pulse(cls, value: float, info: ValidationInfo) -> float:
        pulse = info.data.get("pulse_s")
        if info.data.get("mode") is RelayMode.PULSE and pulse is not None and value < pulse:
            raise ValueError(f"must be at least pulse_s ({pulse:g})")
        return value

    @field_validator("max_on_s")
    @classmethod
    def _covers_the_hold(cls, value: float, info: ValidationInfo) -> float:
        hold = info.data.get("hold_s")
        if hold is not None and value < hold:
            raise ValueError(f"must be at least hold_s ({hold:g}), or the limit cuts each grant")
        return value


class Output(Section):
    """A lamp or a buzzer."""

    name: Name
    pin: Pin
    active_high: bool = True
    shows: tuple[State, ...] = ()
    flashes: tuple[EventKind, ...] = ()
    flash_s: Seconds = 1.0


class Heartbeat(Section):
    """The line that toggles only while the loop works."""

    pin: Pin | None = None
    active_high: bool = True
    period_s: Annotated[float, Field(ge=0.5, le=10)] = 1.0


class Wiring(StrEnum):
    """Whether a contact closes or opens to say something."""

    NORMALLY_OPEN = "normally_open"
    NORMALLY_CLOSED = "normally_closed"


class Pull(StrEnum):
    """The Pi's own resistor at an input."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Input(Section):
    """One contact."""

    pin: Pin
    wiring: Wiring = Wiring.NORMALLY_OPEN
    pull: Pull = Pull.UP
    debounce_s: Annotated[float, Field(ge=0, le=1)] = 0.02


class Inputs(Section):
    """The wires that come back; None where there is no such wire."""

    emergency: Input | None = None
    request_to_exit: Input | None = None
    passage: Input | None = None
    door: Input | None = None
    tamper: Input | None = None
    key_switch: Input | None = None
    assist: Input | None = None
    emergency_latches: bool = True
    door_held_s: Seconds = 15.0


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


class Log(Section):
    """Where the audit log lives."""

    path: Path = Path("/var/lib/smile-gate/audit.db")
    when_unwritable: Unwritable = Unwritable.DENY
    keep_days: Annotated[float, Field(ge=1)] | None = None
    keep_megabytes: Annotated[float, Field(ge=10)] | None = None
    backup_to: Path | None = None
    backups_kept: int = Field(7, ge=1, le=1000)
    upkeep_at: time = time(3, 30)


class Service(Section):
    """How the daemon behaves as a service."""

    crash_starts: int = Field(3, ge=1, le=100)
    crash_window_s: Annotated[float, Field(gt=0, le=86400)] = 300.0
    healthy_after_s: Seconds = 60.0


class Config(Section):
    """All settings of one gate."""

    gate: Gate = Gate()
    camera: Camera = Camera()
    face: Face = Face()
    light: Light = Light()
    smile: Smile = Smile()
    eyes: Eyes = Eyes()
    liveness: Liveness = Liveness()
    relay: Relay = Relay()
    outputs: tuple[Output, ...] = ()
    interlocks: tuple[tuple[str, str], ...] = ()
    heartbeat: Heartbeat = Heartbeat()
    inputs: Inputs = Inputs()
    rearm: Rearm = Rearm()
    lane: LaneHours = LaneHours()
    store: Log = Log()
    service: Service = Service()

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
            passage_sensor=self.inputs.passage is not None,
            door_held_s=self.inputs.door_held_s,
        )

    def digest(self) -> str:
        """SHA-256 of the effective settings, in hexadecimal: the same settings, the same digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
