"""`smile-gate check` as a technician calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.calls import call

WriteConfig = Callable[..., Path]


def test_check_prints_the_effective_settings(write_config: WriteConfig) -> None:
    """What is set in the file is marked."""
    result = call("check", "--config", write_config(smile={"frames": 5}))
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  frames:")]
    assert line.split() == ["frames:", "5", "#", "set", "in", "gate.yaml"]
    assert (
        json.loads(call("check", "--config", write_config(), "--json").stdout)["relay"]["pin"] == 17
    )


def test_check_says_every_mistake_and_exits_with_2(tmp_path: Path) -> None:
    """Six mistakes, six lines, each with file and line."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "camera:\n  widht: 640\n  fps: fast\nsmile:\n  frames: 0\n  threshold: 2\n"
        "relay:\n  pin: 77\neyez: 1\n"
    )
    result = call("check", "--config", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == list("235689")


def test_check_can_print_the_file_to_start_from(tmp_path: Path) -> None:
    """The commented default is there wherever the program is installed."""
    path = tmp_path / "gate.yaml"
    path.write_text(call("check", "--default").stdout)
    assert call("check", "--config", path).exit_code == 0
