"""Tests of GPIO: the chip, the pins, a pulse of the relay, the inputs at rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from gate.config import PinFactory, Wiring
from gate.core.domain import GATE, Position
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, failed, ok, skipped, warn
from gate.errors import RelayError
from gate.hardware.from_config import input_lines, open_lines, open_relay
from gate.hardware.input_lines import InputLines

STOP = "to test it: sudo systemctl stop smile-gate"
PULSE_S = 0.5
"""Time that the relay is on, s: long enough to hear it twice and to see its lamp."""


def gpio(patient: Patient) -> Iterator[Finding]:
    """The chip, the right to use it, and every output claimed in its safe position."""
    config = patient.config
    if patient.running:
        yield _held(patient)
        return
    if config.relay.pin_factory is PinFactory.MOCK:
        yield warn("relay.pin_factory is mock: no pin is moved", "on a Pi: pin_factory: lgpio")
    elif finding := _chip(patient):
        yield finding
        return
    try:
        with ExitStack() as parts:
            lines = open_lines(config, _pins(patient, parts))
            for name in lines.unclaimed:
                lines.switch(name, False)  # raises what is wrong with it
            parts.callback(lines.close)
    except RelayError as error:
        yield failed(error, _advice(error))
        return
    outputs = [f"gate on GPIO {config.relay.pin}"]
    outputs += [f"{output.name} on {output.pin}" for output in config.outputs]
    yield ok(f"{', '.join(outputs)}: claimed, each in its safe position")


def relay(patient: Patient, pause: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """One short move of the relay to open and back."""
    if "relay" not in patient.asked:
        yield skipped("not asked for; it moves the gate", "smile-gate doctor --relay")
        return
    if patient.running:
        yield skipped("the running gate holds the relay", STOP)
        return
    config = patient.config
    try:
        with ExitStack() as parts:
            lines = open_lines(config, _pins(patient, parts))
            parts.callback(lines.close)
            moved = open_relay(
                config, lines, on_limit=lambda max_open_s: None, emergency_held=lambda: False
            )
            parts.callback(moved.close)
            rest = lines.read(GATE)
            moved.move(Position.GRANTED)
            driven = lines.read(GATE)
            pause(min(PULSE_S, config.relay.max_on_s))
            moved.move(Position.SAFE)
            back = lines.read(GATE)
    except RelayError as error:
        yield failed(error, _advice(error))
        return
    if driven is rest or back is not rest:
        yield fail(
            f"GPIO {config.relay.pin} does not follow: something holds the line",
            "look for a short to ground or 3.3 V; take the relay board off and try again",
        )
    else:
        yield ok(
            f"GPIO {config.relay.pin} went to open and back; did it click once and the gate open?"
            " If the gate rests open, see relay.active_high and relay.power_loss"
        )


def inputs(patient: Patient) -> Iterator[Finding]:
    """Whether every input is at rest."""
    wired = input_lines(patient.config)
    if not wired:
        yield ok("none is wired")
        return
    if patient.running:
        if patient.status is None:
            yield skipped("the running gate reads the inputs", STOP)
            return
        active = {one["name"] for one in patient.status["inputs"] if one["active"]}
    else:
        try:
            active = _active(patient)
        except RelayError as error:
            yield failed(error, _advice(error))
            return
    for name in sorted(active):
        yield _pressed(patient, name)
    if resting := sorted(set(wired) - active):
        yield ok(f"at rest: {', '.join(resting)}")


def _active(patient: Patient) -> set[str]:
    """The inputs that say something now."""
    with ExitStack() as parts:
        watched = InputLines(_pins(patient, parts))
        parts.callback(watched.close)
        for name, contact in input_lines(patient.config).items():
            watched.connect(name, contact, lambda reading: None)
        return {name for name, active in watched.active().items() if active}


def _pressed(patient: Patient, name: str) -> Finding:
    """Finding for an input that is not at rest."""
    wired = getattr(patient.config.inputs, name)
    cut = wired.wiring is Wiring.NORMALLY_CLOSED
    hint = "or its wire is cut" if cut else f"or inputs.{name}.wiring is the wrong way round"
    if name == "emergency":
        return fail(
            f"emergency is active: pressed, {hint}", "release it; check the wire at its pin"
        )
    if name == "key_switch":
        return ok("key_switch is on: the lane may open")
    return warn(f"{name} is active on GPIO {wired.pin}", f"somebody is there, {hint}")


def _held(patient: Patient) -> Finding:
    """Finding for pins that a running gate holds."""
    if patient.status is None:
        return skipped("the running gate holds the pins", STOP)
    position = patient.status["relay"]
    if position is None:
        return fail("the running gate cannot drive its relay", "journalctl -u smile-gate -n 50")
    return ok(f"the running gate holds the pins, its relay is {position}")


def _chip(patient: Patient) -> Finding | None:
    """Finding that keeps the GPIO chip from being used; None if there is none."""
    chips = sorted((patient.root / "dev").glob("gpiochip*"))
    if not chips:
        return fail(
            "no /dev/gpiochip*: this kernel has no GPIO lines",
            "run it on a Pi with Raspberry Pi OS; elsewhere relay.pin_factory: mock",
        )
    if not any(os.access(chip, os.R_OK | os.W_OK, effective_ids=True) for chip in chips):
        return fail(
            f"no right to use {chips[0].name}",
            "sudo smile-gate doctor, or join its group: sudo usermod -aG gpio $USER,"
            " then log out and in again",
        )
    return None


def _pins(patient: Patient, parts: ExitStack) -> Any:
    """Open the pin factory; ``parts`` closes it."""
    factory = patient.open_pins(patient.config.relay.pin_factory)
    parts.callback(factory.close)
    return factory


def _advice(error: RelayError) -> str:
    """Advice for a line that can't be claimed or driven."""
    if "busy" in str(error).lower():
        return "another program holds it: `gpioinfo` names it; a dtoverlay in config.txt may, too"
    return "check the GPIO number, and config.txt for a dtoverlay that uses it"
