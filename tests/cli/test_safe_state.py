"""safe-state: what is written down goes first, and no broken file keeps it from that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import group
from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.hardware.output_lines import OutputLine
from gate.system.emergency_latch import EmergencyLatch
from tests.failing_pins import FailingFactory

RECORDED = LinesInForce("mock", (OutputLine("gate", 17, emergency_on=True), OutputLine("red", 5)))
SETTINGS = "relay: {pin_factory: mock, pin: %d}\nstore: {path: %s/log/audit.db}\n"

Run = Callable[..., Result]


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> FailingFactory:
    """The pins that every factory of this process gives."""
    it = FailingFactory()
    monkeypatch.setattr("gpiozero.pins.mock.MockFactory", lambda: it)
    return it


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command with the service's folders below a temporary one."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))

    def command(*options: str | Path) -> Result:
        return CliRunner().invoke(group, ["safe-state", *map(str, options)])

    return command


def driven(pins: FailingFactory) -> list[int]:
    return [call.pin for call in pins.calls if call.operation == "write"]


BROKEN = {
    "half typed": "relay: {pin: 1",
    "alias loop": "a: &a [*a]\n",
    "digits": f"relay: {{pin: {'9' * 5000}}}\n",
    "brackets": "a: " + "[" * 400,
    "bytes": "\0\0\0",
    "empty list": "[]\n",
    "unknown": "rely: {pin: 4}\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_no_broken_settings_keep_the_recorded_lines_from_safety(
    run: Run, pins: FailingFactory, tmp_path: Path, text: str
) -> None:
    """The lines in force are driven, in one line the settings are refused."""
    lines_file.write([tmp_path / "state"], RECORDED)
    (tmp_path / "gate.yaml").write_text(text)
    result = run("--config", tmp_path / "gate.yaml")
    assert result.exit_code == 0, result.output
    assert driven(pins) == [17, 5]
    assert "the settings were not used" in result.output


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_settings_and_no_record_are_one_expected_error(
    run: Run, pins: FailingFactory, tmp_path: Path, text: str
) -> None:
    """There is nothing that could be driven; that is said without a traceback."""
    (tmp_path / "gate.yaml").write_text(text)
    result = run("--config", tmp_path / "gate.yaml")
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert driven(pins) == []


def test_without_a_record_or_settings_it_fails(run: Run) -> None:
    """Nothing is called safe that nobody knows of."""
    result = run()
    assert result.exit_code == 1
    assert "name its settings with --config" in result.output


def test_the_lines_in_force_go_first_and_then_the_edited_settings(
    run: Run, pins: FailingFactory, tmp_path: Path
) -> None:
    """A pin that was changed in the file since the start is made safe too, both of them."""
    lines_file.write([tmp_path / "run"], RECORDED)
    (tmp_path / "gate.yaml").write_text(SETTINGS % (27, tmp_path))
    result = run("--config", tmp_path / "gate.yaml")
    assert result.exit_code == 0, result.output
    assert driven(pins) == [17, 5, 27]
    assert result.output.count("safe, off") == 3


def test_the_record_wins_where_the_settings_say_otherwise(
    run: Run, pins: FailingFactory, tmp_path: Path
) -> None:
    """What was claimed at the start says at which level the line rests."""
    lines_file.write([tmp_path / "run"], RECORDED)
    (tmp_path / "gate.yaml").write_text(
        (SETTINGS % (17, tmp_path)).replace("pin: 17", "pin: 17, power_loss: fail_safe")
    )
    run("--config", tmp_path / "gate.yaml")
    assert driven(pins) == [17, 5]


@pytest.mark.parametrize("damage", [b"", b"{", b"[" * 50_000])
def test_a_damaged_record_is_passed_over(
    run: Run, pins: FailingFactory, tmp_path: Path, damage: bytes
) -> None:
    """The other copy is used, and without one the settings."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / lines_file.NAME).write_bytes(damage)
    lines_file.write([tmp_path / "state"], RECORDED)
    assert run().exit_code == 0
    assert driven(pins) == [17, 5]
    (tmp_path / "state" / lines_file.NAME).write_bytes(damage)
    (tmp_path / "gate.yaml").write_text(SETTINGS % (27, tmp_path))
    assert run("--config", tmp_path / "gate.yaml").exit_code == 0
    assert driven(pins)[2:] == [27]


def test_the_record_beside_the_log_is_found_by_the_settings(
    run: Run, pins: FailingFactory, tmp_path: Path
) -> None:
    """A gate without a service manager keeps it there."""
    lines_file.write([tmp_path / "log"], RECORDED)
    (tmp_path / "gate.yaml").write_text(SETTINGS % (27, tmp_path))
    assert run("--config", tmp_path / "gate.yaml").exit_code == 0
    assert driven(pins) == [17, 5, 27]


def test_a_line_that_is_not_safe_fails_the_command_and_no_other_line(
    run: Run, pins: FailingFactory, tmp_path: Path
) -> None:
    """The exit code and the line's own sentence say it."""
    lines_file.write([tmp_path / "run"], RECORDED)
    pins.fails = lambda call: (call.operation, call.pin) == ("write", 17)
    result = run()
    assert result.exit_code == 1
    assert "gate on GPIO 17: NOT safe: cannot be driven" in result.output
    assert "red on GPIO 5: safe, off" in result.output


def test_a_latched_emergency_keeps_the_gate_in_its_position(tmp_path: Path) -> None:
    """After a crash the lines go where the emergency wants them, and stay driven."""
    lines_file.write([tmp_path], RECORDED)
    EmergencyLatch([tmp_path]).set("why")
    folders = {"RUNTIME_DIRECTORY": str(tmp_path / "run"), "STATE_DIRECTORY": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "from gate.cli import main; main()", "safe-state"],
        env=os.environ | folders,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "gate on GPIO 17: in its emergency position, on" in done.stdout


def test_what_is_written_down_needs_no_settings_library(tmp_path: Path) -> None:
    """Where the record suffices, the slow imports wait until after the lines are safe."""
    lines_file.write([tmp_path], RECORDED)
    code = (
        "import sys\nfrom gate.cli import group\n"
        "group(['safe-state'], standalone_mode=False)\nprint(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"RUNTIME_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "gate on GPIO 17: safe" in run.stdout
    assert not set(run.stdout.split()) & {"cv2", "numpy", "pydantic", "yaml", "gate.config"}
