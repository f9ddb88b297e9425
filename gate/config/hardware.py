"""Settings of the wires: relay, lamps, heartbeat, inputs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from gate.config.base import Name, Pin, Seconds, Section
from gate.core.domain import EventKind, State

LIMIT_MARGIN_S = 0.5
"""The limit is for a loop that hangs: one that is only late must end the hold itself."""


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


class RelaySettings(Section):
    """The line that opens the gate."""

    pin_factory: PinFactory = PinFactory.LGPIO
    pin: Pin = 17
    active_high: bool = True
    power_loss: PowerLoss = PowerLoss.FAIL_SECURE
    on_emergency: OnEmergency = OnEmergency.OPEN
    mode: RelayMode = RelayMode.HOLD
    pulse_s: Seconds = 0.3
    hold_s: Seconds = Field(5.0, validate_default=True)
    max_on_s: Seconds = Field(10.0, validate_default=True)

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
        if hold is not None and value < hold + LIMIT_MARGIN_S:
            least = f"{hold + LIMIT_MARGIN_S:g} (hold_s {hold:g} and {LIMIT_MARGIN_S:g} s)"
            raise ValueError(f"must be at least {least}, or the limit cuts each grant")
        return value


class OutputSettings(Section):
    """A lamp or a buzzer."""

    name: Name
    pin: Pin
    active_high: bool = True
    shows: tuple[State, ...] = ()
    flashes: tuple[EventKind, ...] = ()
    flash_s: Seconds = 1.0


class HeartbeatSettings(Section):
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


class InputSettings(Section):
    """One contact."""

    pin: Pin
    wiring: Wiring = Wiring.NORMALLY_OPEN
    pull: Pull = Pull.UP
    debounce_s: Annotated[float, Field(ge=0, le=1)] = 0.02


class InputsSettings(Section):
    """The wires that come back; None where there is no such wire."""

    emergency: InputSettings | None = None
    request_to_exit: InputSettings | None = None
    passage: InputSettings | None = None
    door: InputSettings | None = None
    tamper: InputSettings | None = None
    key_switch: InputSettings | None = None
    assist: InputSettings | None = None
    emergency_latches: bool = True
    door_held_s: Seconds = 15.0
