"""Settings of the wires: relay, lamps, heartbeat, inputs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ValidationInfo, field_validator

from gate.config.base import Applied, Name, Pin, Seconds, Section, setting
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

    pin_factory: PinFactory = setting(
        PinFactory.LGPIO,
        "the library that drives the pins",
        applied=Applied.RESTART,
        change="use mock for trials only: it moves nothing",
    )
    pin: Pin = setting(
        17,
        "GPIO (Broadcom) number of the relay",
        unit="GPIO (Broadcom) number",
        applied=Applied.RESTART,
    )
    active_high: bool = setting(
        True,
        "the relay is on at high level",
        applied=Applied.RESTART,
        change="set it to false for relay boards that switch on at low level",
    )
    power_loss: PowerLoss = setting(
        PowerLoss.FAIL_SECURE,
        "fail_secure: power opens the gate; fail_safe: power holds it shut",
        applied=Applied.RESTART,
        change="choose what the lock or turnstile is built for",
    )
    on_emergency: OnEmergency = setting(
        OnEmergency.OPEN,
        "where the gate goes in an emergency",
        applied=Applied.RESTART,
        change="choose shut where the emergency opens another way out",
    )
    mode: RelayMode = setting(
        RelayMode.HOLD,
        "hold: on for the whole hold; pulse: for a turnstile that counts by itself",
        applied=Applied.NOW,
    )
    pulse_s: float = setting(
        0.3,
        "length of the pulse",
        unit="s",
        applied=Applied.NOW,
        change="most take 0.1 to 0.5",
        ge=0.01,
        le=60,
    )
    hold_s: float = setting(
        5.0,
        "the gate stays open this long; with pulse: the wait for the passage, at least pulse_s",
        unit="s",
        applied=Applied.NOW,
        change="choose the time that a slow guest needs",
        ge=0.1,
        le=3599.5,
        validate_default=True,
    )
    max_on_s: Seconds = setting(
        10.0,
        "the gate is shut after this, whatever hangs; at least hold_s and 0.5 s",
        unit="s",
        applied=Applied.NOW,
        validate_default=True,
    )

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

    name: Name = setting(..., "its name, in messages and interlocks")
    pin: Pin = setting(..., "its line", unit="GPIO (Broadcom) number")
    active_high: bool = setting(
        True, "it is on at high level", change="set it to false for what switches on at low level"
    )
    shows: tuple[State, ...] = setting((), "it is on in these states of the lane")
    flashes: tuple[EventKind, ...] = setting((), "it is on for a moment after these events")
    flash_s: Seconds = setting(1.0, "length of that moment", unit="s")


class HeartbeatSettings(Section):
    """A line that toggles only while the loop works."""

    pin: Pin | None = setting(
        None,
        "GPIO (Broadcom) number of its line; null: none",
        unit="GPIO (Broadcom) number",
        applied=Applied.RESTART,
        change="give one to an outer watchdog relay",
    )
    active_high: bool = setting(True, "it is on at high level", applied=Applied.RESTART)
    period_s: float = setting(
        1.0, "length of one beat", unit="s", applied=Applied.RESTART, ge=0.5, le=10
    )


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
    """A wire that comes back."""

    pin: Pin = setting(..., "its line", unit="GPIO (Broadcom) number")
    wiring: Wiring = setting(
        Wiring.NORMALLY_OPEN,
        "whether the contact closes or opens to say something",
        change="normally_closed also notices a cut wire",
    )
    pull: Pull = setting(
        Pull.UP,
        "the Pi's own resistor at the line",
        change="choose none where the board has its own",
    )
    debounce_s: float = setting(
        0.02, "a contact that bounces for this long is one change", unit="s", ge=0, le=1
    )


class InputsSettings(Section):
    """Wires that come back, each like {pin: 5, wiring: normally_closed}; null: no wire."""

    emergency: InputSettings | None = setting(
        None,
        "fire alarm or emergency button; normally_closed notices a cut wire",
        applied=Applied.RESTART,
    )
    request_to_exit: InputSettings | None = setting(
        None, "a button that opens the gate", applied=Applied.RESTART
    )
    passage: InputSettings | None = setting(
        None,
        "a sensor that sees the guest pass: ends the hold, counts the rider",
        applied=Applied.RESTART,
    )
    door: InputSettings | None = setting(
        None,
        "active while arm or door is open: forced, or held open too long",
        applied=Applied.RESTART,
    )
    tamper: InputSettings | None = setting(
        None, "a contact in the housing", applied=Applied.RESTART
    )
    key_switch: InputSettings | None = setting(
        None,
        "the operator's: off keeps the lane closed, off and on ends an emergency",
        applied=Applied.RESTART,
    )
    assist: InputSettings | None = setting(
        None,
        "a button for guests who cannot or do not want to smile",
        applied=Applied.RESTART,
    )
    emergency_latches: bool = setting(
        True,
        "an emergency stays until it is cleared",
        applied=Applied.NOW,
        change="set it to false where it is over as soon as its contact is at rest",
    )
    door_held_s: Seconds = setting(
        15.0, "a door that is open for longer is reported", unit="s", applied=Applied.NOW
    )
