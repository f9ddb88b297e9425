"""`smile-gate setup` as a technician and a script call it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gate.cli import group, setup, setup_steps
from gate.cli.blocks import UPPER_HALF
from gate.config.load import load
from gate.core.domain import Position
from gate.doctor import facts, wiring
from gate.hardware.relay import Relay
from gate.replay.bench.scenes import render
from gate.system import resources
from tests.doctor.patients import status

FILE = """\
# the left lane
camera:
  source: {source}  # above the turnstile
  fps: 120
relay:
  pin_factory: mock
  pin: 17  # behind the fuse
store: {{path: {folder}/audit.db}}
control: {{socket: {folder}/control.sock}}
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of a guest: as good as a camera."""
    return film(tmp_path_factory.mktemp("guest"), "guest at the gate")


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera before which nobody stands."""
    return film(tmp_path_factory.mktemp("nobody"), "empty scene")


def film(folder: Path, scene: str) -> Path:
    for number, image in enumerate(render(scene)[:20] * 3):
        cv2.imwrite(str(folder / f"{number:02}.png"), image)
    return folder


@pytest.fixture
def path(tmp_path: Path, guest: Path) -> Path:
    """A file as a technician writes it, in a folder of its own."""
    folder = tmp_path / "etc"
    folder.mkdir()
    path = folder / "gate.yaml"
    path.write_text(FILE.format(source=guest, folder=tmp_path))
    return path


@pytest.fixture(autouse=True)
def moves(monkeypatch: pytest.MonkeyPatch) -> list[Position]:
    """The relay's moves; in a test they need not be heard, and only the file's camera is there."""
    seen: list[Position] = []
    move = Relay.move

    def noted(self: Relay, position: Position) -> None:
        seen.append(position)
        move(self, position)

    monkeypatch.setattr(Relay, "move", noted)
    monkeypatch.setattr(wiring, "PULSE_S", 0.0)
    monkeypatch.setattr(setup_steps, "at_hand", list)
    return seen


def call(*words: str | Path, answers: str = "") -> Result:
    command = ["setup", *(str(word) for word in words)]
    return CliRunner().invoke(group, command, input=answers, catch_exceptions=False)


def untouched(path: Path) -> Callable[[], bool]:
    """Whether a file and its folder are as they are now."""
    before = path.read_bytes()
    return lambda: path.read_bytes() == before and [*path.parent.iterdir()] == [path]


@pytest.mark.slow
def test_a_script_needs_to_answer_nothing(path: Path, moves: list[Position]) -> None:
    """Findings and the outcome are JSON; comments stay, and the file before is kept."""
    before = path.read_text()
    result = call("--out", path, "--pin", "22", "--active-low", "--yes", "--json")
    assert result.exit_code == 0, result.output
    *found, last = (json.loads(line) for line in result.stdout.splitlines())
    assert [one["part"] for one in found] == ["camera", "relay", "face"]
    assert moves == [Position.GRANTED, Position.SAFE]
    config = load(path)
    assert (config.relay.pin, config.relay.active_high) == (22, False)
    assert 0.05 <= config.face.min_height < 0.4
    assert last["changed"]["relay.pin"] == 22
    assert last["changed"]["face.min_height"] == config.face.min_height
    assert last["started"] is False
    assert Path(last["copy"]).read_text() == before
    assert "# the left lane" in path.read_text()
    assert "# behind the fuse" in path.read_text()


@pytest.mark.slow
def test_a_technician_is_asked(
    path: Path, guest: Path, nobody: Path, monkeypatch: pytest.MonkeyPatch, moves: list[Position]
) -> None:
    """Which camera, which pin and level; a wrong pin is asked for again, and so is a mute relay."""
    path.write_text(path.read_text().replace(str(guest), str(nobody)))
    monkeypatch.setattr(setup_steps, "at_hand", lambda: [str(guest)])
    answers = ["2", "y", "99", "y", "22", "y", "y", "n", "y", "22", "n", "y", "y", "y", "y", "y"]
    result = call("--out", path, answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "'relay.pin'" in result.stderr
    assert "did the gate open and shut" in result.stderr
    assert "relay.pin: 17 -> 22" in result.stdout
    config = load(path)
    assert config.camera.source == str(guest)
    assert (config.relay.pin, config.relay.active_high) == (22, False)
    assert config.face.min_height != 0.1
    assert moves == [Position.GRANTED, Position.SAFE] * 2


def test_the_relay_moves_after_a_yes_only(path: Path, moves: list[Position]) -> None:
    """Somebody may stand in the gate's way; an empty answer is no yes."""
    result = call("--out", path, "--no-face", answers="22\n\n\ny\n")
    assert result.exit_code == 0, result.output
    assert moves == []
    assert load(path).relay.pin == 22
    assert "smile-gate doctor --only relay --relay" in result.stdout


def test_parts_can_be_left_out(path: Path, nobody: Path, moves: list[Position]) -> None:
    """Nothing moves and nobody is waited for; what is said counts all the same."""
    words = ("--camera", nobody, "--pin", "5", "--no-relay", "--no-face", "--yes")
    result = call("--out", path, *words)
    assert result.exit_code == 0, result.output
    assert moves == []
    assert load(path).relay.pin == 5
    assert load(path).camera.source == str(nobody)


def test_a_new_file_is_the_commented_default(tmp_path: Path, guest: Path) -> None:
    """With what was found; there is nothing to keep a copy of."""
    path = tmp_path / "gate.yaml"
    result = call("--out", path, "--camera", guest, "--no-relay", "--no-face", "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["copy"] is None
    default = resources.path("config/gate.yaml").read_text()
    assert len(path.read_text().splitlines()) == len(default.splitlines())
    assert load(path).camera.source == str(guest)


@pytest.mark.slow
@pytest.mark.parametrize("answers", ["", "22\n", "22\ny\ny\ny\n", "22\ny\ny\ny\ny\ny\nn\n"])
def test_who_leaves_leaves_the_file_as_it_is(path: Path, answers: str) -> None:
    """At the first question, at the last, or with a no to writing."""
    same = untouched(path)
    result = call("--out", path, answers=answers)
    assert result.exit_code == 1
    assert "Nothing was written" in result.stderr
    assert same()


def test_ctrl_c_leaves_the_file_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while a face is waited for."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_steps, "meet", interrupted)
    same = untouched(path)
    result = call("--out", path, "--yes")
    assert result.exit_code == 1
    assert "Nothing was written" in result.stderr
    assert same()


def test_a_running_gate_is_not_disturbed(
    path: Path, monkeypatch: pytest.MonkeyPatch, moves: list[Position]
) -> None:
    """It owns camera and relay: who wants to set it up stops it first."""
    monkeypatch.setattr(facts, "ask_gate", lambda _: (status(), None))
    same = untouched(path)
    result = call("--out", path, "--yes")
    assert result.exit_code == 1
    assert "sudo systemctl stop smile-gate" in result.stderr
    assert moves == []
    assert same()


@pytest.mark.slow
def test_a_gate_before_which_nobody_stands_is_not_written(path: Path, nobody: Path) -> None:
    """A script that meant a face hears that there was none, and what to say without."""
    same = untouched(path)
    result = call("--out", path, "--camera", nobody, "--no-relay", "--yes")
    assert result.exit_code == 1
    assert "--no-face goes on without" in result.stderr
    assert same()


def test_a_file_with_mistakes_is_mended_first(path: Path) -> None:
    """Its lines are told; a setup is no editor of what somebody meant."""
    path.write_text("camera:\n  fps: fast\n")
    same = untouched(path)
    result = call("--out", path, "--yes")
    assert result.exit_code == 2
    assert f"{path}:2: 'camera.fps'" in result.stderr
    assert same()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--camera", "webcam"], "did you mean 'picamera'"),
        (["--camera", "/dev/video77"], "plug it in"),
        (["--start"], "no --out"),
        (["--pin", "99", "--no-face"], "'relay.pin'"),
    ],
)
def test_a_wrong_word_is_told_in_one_line(path: Path, words: list[str], says: str) -> None:
    """With what to do instead, and the file as it was."""
    same = untouched(path)
    result = call("--out", path, *words, "--yes")
    assert result.exit_code in (1, 2)
    assert says in result.stderr.splitlines()[-1]
    assert same()


def test_before_the_installation_the_way_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's file has its folder from the installer."""
    monkeypatch.setattr(setup, "INSTALLED", tmp_path / "none" / "gate.yaml")
    result = call("--out", tmp_path / "none" / "gate.yaml", "--yes")
    assert result.exit_code == 1
    assert "sudo ./systemd/install.sh" in result.stderr


def test_where_no_camera_is_one_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where several are a script has to say which."""
    path = tmp_path / "gate.yaml"
    result = call("--out", path, "--yes")
    assert "no camera is here" in result.stderr
    monkeypatch.setattr(setup_steps, "at_hand", lambda: ["/dev/one", "/dev/two"])
    result = call("--out", path, "--yes")
    assert "name one with --camera: /dev/one, /dev/two" in result.stderr
    assert not path.exists()


@pytest.mark.slow
def test_a_picture_is_kept_only_where_it_is_asked_for(path: Path) -> None:
    """For its owner's eyes."""
    still = path.parent / "still.png"
    words = ("--out", path, "--no-relay", "--no-face", "--yes")
    assert call(*words).exit_code == 0
    assert not still.exists()
    assert call(*words, "--still", still).exit_code == 0
    assert cv2.imread(str(still)).shape == (480, 640, 3)
    assert still.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["truecolor", None])
def test_the_picture_is_drawn_where_the_terminal_can(
    path: Path, monkeypatch: pytest.MonkeyPatch, colours: str | None
) -> None:
    """In blocks; never into a file or a terminal without colours."""
    screen = io.StringIO()
    out = Console(file=screen, force_terminal=True, color_system=colours, width=60)  # type: ignore[arg-type]
    monkeypatch.setattr(setup_steps, "console", lambda: out)
    call("--out", path, "--no-relay", "--no-face", "--yes")
    assert (UPPER_HALF in screen.getvalue()) is bool(colours)


@pytest.mark.parametrize("code", [0, 3])
def test_the_service_is_started_once_all_is_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Where it does not start, the settings stay, and the journal is named."""
    program, called = tmp_path / "bin" / "systemctl", tmp_path / "called"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ntest "$1" = start && grep -H "pin: 22" {path} >{called}\nexit {code}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(setup, "INSTALLED", path)
    words = ("--pin", "22", "--no-relay", "--no-face", "--yes", "--start", "--json")
    result = call("--out", path, *words)
    assert called.read_text()
    assert result.exit_code == (1 if code else 0)
    if code:
        assert "journalctl -u smile-gate" in result.stderr
    else:
        assert json.loads(result.stdout.splitlines()[-1])["started"] is True
