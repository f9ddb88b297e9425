"""`smile-gate doctor` as a technician and a script call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gate.cli import doctor, group
from gate.doctor import CHECKS, wiring

WriteConfig = Callable[..., Path]
QUICK = ("settings", "model", "inputs", "log", "memory")


def call(*words: str | Path, answer: str | None = None) -> Result:
    command = ["doctor", *(str(word) for word in words)]
    return CliRunner().invoke(group, command, input=answer, catch_exceptions=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay in a test need not be heard."""
    monkeypatch.setattr(wiring, "PULSE_S", 0.0)


def only(*parts: str) -> list[str]:
    return [word for part in parts for word in ("--only", part)]


@pytest.mark.slow
def test_every_part_is_told_for_scripts(write_config: WriteConfig) -> None:
    """One JSON object for each finding, in the order of the parts; no other line."""
    result = call("--config", write_config(), "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert list(dict.fromkeys(line["part"] for line in lines)) == list(CHECKS)
    assert set(lines[0]) == {"part", "verdict", "seen", "advice"}
    failed = any(line["verdict"] == "fail" for line in lines)
    assert result.exit_code == int(failed)


def test_what_is_well_exits_with_0(write_config: WriteConfig) -> None:
    """And only the parts that were named are tested."""
    result = call("--config", write_config(), *only(*QUICK), "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["part"] for line in lines} == set(QUICK)


def test_what_fails_exits_with_1(write_config: WriteConfig) -> None:
    """A missing model is a failure, in words."""
    path = write_config(smile={"model": "none.tflite"})
    result = call("--config", path, *only("model"))
    assert result.exit_code == 1
    assert "FAIL" in result.stdout
    assert "-> check the path" in result.stdout


def test_settings_with_mistakes_fail(tmp_path: Path) -> None:
    """Each mistake is a line of its own, with file and line; the exit code is 1."""
    path = tmp_path / "gate.yaml"
    path.write_text("camera:\n  fps: fast\nrelay:\n  pin: 77\n")
    result = call("--config", path, *only("settings"), "--json")
    assert result.exit_code == 1
    seen = [json.loads(line)["seen"] for line in result.stdout.splitlines()]
    assert [text.split(":")[1] for text in seen] == ["2", "4"]


def test_a_wrong_command_line_exits_with_2() -> None:
    """An unknown part is a typing error."""
    assert call("--only", "camra").exit_code == 2


def test_the_table_is_readable_in_80_columns(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is longer, no colour is needed, and long advice is folded, not cut."""
    monkeypatch.setattr(doctor, "console", lambda: Console(width=80))
    result = call("--config", write_config(), *only("settings", "gpio", "relay", "memory", "unit"))
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "pin_factory: lgpio" in result.stdout


def test_the_relay_moves_after_a_yes_only(write_config: WriteConfig) -> None:
    """Somebody may stand in the gate's way."""
    path = write_config()
    refused = call("--config", path, *only("inputs"), "--relay", answer="n\n")
    assert refused.exit_code == 1
    assert "relay" not in refused.stdout
    agreed = call("--config", path, *only("inputs"), "--relay", answer="y\n")
    assert agreed.exit_code == 0
    assert "went to open and back" in agreed.stdout


def test_yes_is_for_scripts(write_config: WriteConfig) -> None:
    """No question is asked."""
    result = call("--config", write_config(), *only("relay"), "--relay", "--yes", "--json")
    (line,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (line["part"], line["verdict"]) == ("relay", "ok")


def test_a_check_that_breaks_does_not_stop_the_others(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may raise anything: that part fails, the rest is told."""

    def broken(_: object) -> object:
        raise RuntimeError("the driver is confused")

    monkeypatch.setitem(CHECKS, "camera", broken)
    result = call("--config", write_config(), *only("camera", "memory"), "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["verdict"] for line in lines] == ["fail", "ok"]
    assert "the driver is confused" in lines[0]["seen"]
