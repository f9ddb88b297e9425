"""Recorded lines, driven to safety one by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.errors import RelayError
from gate.hardware.lines_file import LinesInForce
from gate.hardware.make_safe import make_safe
from gate.hardware.output_lines import OutputLine
from tests.failing_pins import Call, FailingFactory, level

LINES = LinesInForce(
    "mock",
    (
        OutputLine("gate", 17, emergency_on=True),
        OutputLine("lock", 5, rests_on=True),
        OutputLine("valve", 6, active_high=False),
    ),
)
SAFE = {17: False, 5: True, 6: True}


def test_each_line_goes_to_its_safe_level_and_is_given_back() -> None:
    """Whatever its level is when it is on; the result names each."""
    pins = FailingFactory()
    results = make_safe(LINES, open_factory=lambda name: pins)
    assert [str(result) for result in results] == [
        "gate on GPIO 17: safe, off",
        "lock on GPIO 5: safe, on",
        "valve on GPIO 6: safe, off",
    ]
    written = {pin: [state.state for state in pins.pin(pin).states] for pin in SAFE}
    assert all(levels[-1] is SAFE[pin] or SAFE[pin] in levels for pin, levels in written.items())
    assert all(pins.pin(pin).function == "input" for pin in SAFE)


@pytest.mark.parametrize("number", range(1, 16))
def test_a_call_that_fails_keeps_no_other_line_from_safety(number: int) -> None:
    """Each call of the driver fails once: the other lines are safe, and the result is true."""
    pins = FailingFactory()
    failed: list[Call] = []

    def fails(call: Call) -> bool:
        if call.number == number:
            failed.append(call)
        return call.number == number

    pins.fails = fails
    results = make_safe(LINES, open_factory=lambda name: pins)
    wrong = {result.line.pin for result in results if result.problem is not None}
    assert wrong == {call.pin for call in failed}
    driven = {call.pin for call in pins.calls if call.operation == "write"}
    assert driven >= set(SAFE) - wrong


def test_in_an_emergency_the_lines_go_there_and_stay_driven() -> None:
    """A line that is on in an emergency is not given back: it would float, and the gate shut."""
    pins = FailingFactory()
    results = make_safe(LINES, emergency=True, open_factory=lambda name: pins)
    assert level(pins, 17)
    assert pins.pin(17).function == "output"
    assert pins.pin(5).function == "input"
    assert str(results[0]) == "gate on GPIO 17: in its emergency position, on"
    assert [result.kept is not None for result in results] == [True, False, False]


def test_a_line_that_another_process_holds_is_said_and_tried_again() -> None:
    """Of a gate that was killed the kernel frees the lines a moment later."""
    pins = FailingFactory()

    def busy(call: Call) -> bool:
        if call.number < 6 and call.operation == "write":
            raise OSError("'GPIO busy'")
        return False

    pins.fails = busy
    (first, *_) = make_safe(LINES, open_factory=lambda name: pins)
    assert str(first) == "gate on GPIO 17: NOT safe: another process holds it"
    results = make_safe(LINES, patience_s=10, open_factory=lambda name: pins)
    assert not any(result.problem for result in results)


def test_pins_that_cannot_be_used_are_a_result_for_each_line() -> None:
    """Nothing is said to be safe that was not driven."""

    def refuse(name: str) -> FailingFactory:
        raise RelayError("no pins here")

    results = make_safe(LINES, open_factory=refuse)
    assert [result.problem for result in results] == ["no pins here"] * 3


def test_it_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    """The guard becomes this program: record and folders in, one line for each output out."""
    (tmp_path / "emergency.json").touch()
    module = [sys.executable, "-m", "gate.hardware.make_safe", LINES.as_json()]
    for folders, said in (([], "safe, off"), ([tmp_path], "in its emergency position, on")):
        run = subprocess.run([*module, *folders], capture_output=True, text=True, check=True)
        assert f"gate on GPIO 17: {said}" in run.stderr
    broken = LinesInForce("lgpio", LINES.lines).as_json()
    run = subprocess.run([*module[:-1], broken], capture_output=True, text=True, check=False)
    if not os.path.exists("/dev/gpiochip0"):
        assert run.returncode == 1
        assert run.stderr.count("NOT safe") == 3
