"""`smile-gate check` as a technician calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from gate.config.yaml_file import START
from tests.cli.calls import call

WriteConfig = Callable[..., Path]


def test_a_good_file_is_called_good_and_says_first_what_differs(tmp_path: Path) -> None:
    """The verdict, what is set otherwise than by default, and how to see the rest."""
    path = tmp_path / "gate.yaml"
    path.write_text('gate: {id: "Köln 🎡"}\nrelay: {hold_s: 8s}\n', encoding="utf-8")
    result = call("check", "--config", path)
    assert result.exit_code == 0
    first, *rest = result.stdout.splitlines()
    assert first.startswith(f"{path}: good; of ")
    assert first.endswith(" settings 2 differ from their defaults:")
    assert [" ".join(line.split()) for line in rest[:2]] == [
        "gate.id: Köln 🎡 # default gate-1",
        "relay.hold_s: 8.0 # default 5.0",
    ]
    assert rest[2] == f"All settings: smile-gate check --config {path} --all"
    assert len(rest) == 4


def test_all_effective_settings_can_be_printed(write_config: WriteConfig) -> None:
    """What is set in the file is marked."""
    result = call("check", "--config", write_config(smile={"frames": 5}), "--all")
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  frames:")]
    assert line.split() == ["frames:", "5", "#", "set", "in", "gate.yaml"]


def test_json_is_one_object_whether_the_file_is_good_or_not(tmp_path: Path) -> None:
    """A tool that asks for JSON gets it: also for mistakes, and where there is no file."""
    path = tmp_path / "gate.yaml"
    path.write_text('gate: {id: "Köln"}\nrelay: {pin: 18}\ncamera: {source: /dev/video77}\n')
    good = call("check", "--config", path, "--json")
    told = json.loads(good.stdout)
    assert (good.exit_code, told["valid"], told["mistakes"]) == (0, True, [])
    assert told["settings"]["relay"]["pin"] == 18
    assert told["changed"]["relay.pin"] == {"default": 17, "value": 18}
    assert [warning["line"] for warning in told["warnings"]] == [3]
    assert "Köln" in good.stdout
    path.write_text("relay:\n  pin: 77\n\tx\n")
    bad = call("check", "--config", path, "--json")
    told = json.loads(bad.stdout)
    assert (bad.exit_code, bad.stderr, told["valid"], told["settings"]) == (2, "", False, None)
    assert [mistake["line"] for mistake in told["mistakes"]] == [3]
    gone = json.loads(call("check", "--config", tmp_path / "none.yaml", "--json").stdout)
    assert gone["mistakes"] == [{"line": None, "text": f"no such file; {START}"}]


def test_what_cannot_work_is_a_mistake_and_what_may_come_a_warning(tmp_path: Path) -> None:
    """A camera word, a model and a path are looked at; a device may be plugged in later."""
    path = tmp_path / "gate.yaml"
    path.write_text("camera:\n  source: webcam\nsmile:\n  model: nowhere.tflite\n")
    result = call("check", "--config", path)
    assert result.exit_code == 2
    camera, model = result.stderr.splitlines()
    assert camera.startswith(f"{path}:2: 'camera.source' is no camera")
    assert "did you mean 'picamera'" in camera
    assert model.startswith(f"{path}:4: 'smile.model' can't be used: {tmp_path}/nowhere.tflite")
    path.write_text("camera:\n  source: /dev/video77\n")
    result = call("check", "--config", path)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"{path}:2: warning: 'camera.source' is /dev/video77")


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
