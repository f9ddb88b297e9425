"""GPIO as doctor finds it: no chip, no right, a busy line, a line that is held, a relay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from gate.doctor import wiring
from gate.doctor.facts import Patient
from gate.doctor.finding import Grade
from gate.errors import RelayError
from tests.doctor.patients import config, patient, status, texts, verdicts

OK, WARN, FAIL, SKIPPED = Grade.OK, Grade.WARN, Grade.FAIL, Grade.SKIPPED
REAL = {"pin_factory": "lgpio"}


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    """A root folder with a GPIO chip."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "gpiochip0").touch(0o660)
    return tmp_path


class Busy(MockFactory):  # type: ignore[misc]
    """Pins of which another program holds one."""

    def pin(self, name: Any) -> Any:
        if str(name).endswith("17"):
            raise OSError("'GPIO busy'")
        return super().pin(name)


class Held(MockPin):  # type: ignore[misc]
    """A line that something outside keeps low."""

    def _get_state(self) -> int:
        return 0


class Kept(MockFactory):  # type: ignore[misc]
    """Pins whose factory stays open, to look at them afterwards."""

    def close(self) -> None:
        pass


def test_pins_that_can_be_claimed(pi: Path) -> None:
    """The outputs are named with their numbers."""
    outputs = [{"name": "lamp", "pin": 22, "shows": ["idle"]}]
    who = patient(config(relay=REAL, outputs=outputs), root=pi)  # type: ignore[arg-type]
    assert verdicts("gpio", who) == [OK]
    assert "gate on GPIO 17, lamp on 22" in texts("gpio", who)


def test_no_chip(tmp_path: Path) -> None:
    """A kernel without GPIO is told apart from a wrong pin."""
    who = patient(config(relay=REAL), root=tmp_path)
    assert verdicts("gpio", who) == [FAIL]
    assert "no /dev/gpiochip*" in texts("gpio", who)


def test_no_right_to_the_chip(pi: Path) -> None:
    """The group is the advice."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    for folder in (pi, *pi.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        said = texts("gpio", patient(config(relay=REAL), root=pi))
    finally:
        os.seteuid(0)
    assert "fail: no right to use gpiochip0" in said
    assert "usermod -aG gpio" in said


def test_a_busy_line(pi: Path) -> None:
    """Who holds it is what to find out."""
    who = patient(config(relay=REAL), root=pi, open_pins=lambda _: Busy())
    assert verdicts("gpio", who) == [FAIL]
    assert "`gpioinfo` names it" in texts("gpio", who)


def test_a_library_that_is_missing(pi: Path) -> None:
    """The factory's own advice is kept."""

    def missing(_: str) -> Any:
        raise RelayError("the GPIO pins cannot be used; on a Pi: sudo apt install python3-lgpio")

    who = patient(config(relay=REAL), root=pi, open_pins=missing)
    assert "-> on a Pi: sudo apt install python3-lgpio" in texts("gpio", who)


def test_mock_pins_are_for_trials() -> None:
    """A gate that moves nothing must not look well."""
    assert verdicts("gpio", patient()) == [WARN, OK]


def pulsing(**changed: Any) -> Patient:
    return patient(asked=frozenset({"relay"}), **changed)


def test_the_relay_moves_only_when_asked() -> None:
    """Without `--relay` no line is driven."""
    assert verdicts("relay", patient()) == [SKIPPED]


@pytest.mark.parametrize("power_loss", ["fail_secure", "fail_safe"])
@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_goes_to_open_and_back(power_loss: str, active_high: bool) -> None:
    """From its safe level to the other and back, whatever its wiring; the pause is in between."""
    factory = Kept()
    values = config(
        relay={"pin_factory": "mock", "power_loss": power_loss, "active_high": active_high}
    )
    pauses: list[tuple[float, int]] = []

    def pause(seconds: float) -> None:
        pauses.append((seconds, int(factory.pin("GPIO17").state)))

    who = patient(values, asked=frozenset({"relay"}), open_pins=lambda _: factory)
    (found,) = wiring.relay(who, pause)
    assert found.verdict is OK
    safe = (power_loss == "fail_safe") is active_high
    assert pauses == [(wiring.PULSE_S, int(not safe))]
    # (given back as an input afterwards: the last level that was driven is in the history)
    driven = [int(entry.state) for entry in factory.pin("GPIO17").states]
    assert driven[-1] == int(safe)


def test_a_line_that_does_not_follow() -> None:
    """A short or another program's driver is seen by reading the line back."""
    factory = MockFactory(pin_class=Held)
    (found,) = wiring.relay(pulsing(open_pins=lambda _: factory), lambda _: None)
    assert found.verdict is FAIL
    assert "short" in found.advice


def wired(**inputs: Any) -> Any:
    return config(inputs=inputs)


def test_inputs_at_rest() -> None:
    """Open contacts of normally open wires."""
    who = patient(wired(request_to_exit={"pin": 6}, passage={"pin": 13}))
    assert verdicts("inputs", who) == [OK]
    assert "at rest: passage, request_to_exit" in texts("inputs", who)
    assert verdicts("inputs", patient()) == [OK]


def test_a_cut_wire_of_the_emergency_button() -> None:
    """A normally closed contact that is open: pressed, or cut; the rest is still told."""
    who = patient(wired(emergency={"pin": 5, "wiring": "normally_closed"}, passage={"pin": 13}))
    assert verdicts("inputs", who) == [FAIL, OK]
    assert "wire is cut" in texts("inputs", who)


def test_a_contact_the_wrong_way_round() -> None:
    """A passage that is always seen: somebody is there, or the wiring setting is wrong."""
    low = MockFactory(pin_class=Held)
    who = patient(wired(passage={"pin": 13}), open_pins=lambda _: low)
    assert verdicts("inputs", who) == [WARN]
    assert "inputs.passage.wiring is the wrong way round" in texts("inputs", who)


def test_the_wires_of_a_running_gate() -> None:
    """Its own reading is told, its pins are left alone."""
    who = patient(wired(emergency={"pin": 5}), status=status())
    assert verdicts("inputs", who) == [OK]
    assert verdicts("gpio", who) == [OK]
    assert verdicts("gpio", patient(status=status(relay=None))) == [FAIL]
