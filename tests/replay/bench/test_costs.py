"""The measurement of work; never how fast this machine is."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gate.cli import group
from gate.config import Config
from gate.errors import GateError
from gate.replay.bench import costs, scenes
from gate.replay.bench.reference import Figure, Pace, append, latest, load, machine, pace


@pytest.mark.slow
def test_the_gate_searches_far_less_than_the_naive_loop() -> None:
    """With a guest at the gate, in the same frames: a hundredth of the pixels."""
    frames = scenes.render("guest at the gate")[:24]
    contenders = {"gate": costs.pipeline(Config()), "naive": costs.naive()}
    found = costs.compare(contenders, frames)
    assert found["gate"].found == 1.0
    assert found["gate"].pixels < found["naive"].pixels / 60


def test_an_empty_scene_is_not_searched_again_and_again() -> None:
    """Nothing changed: no pixel is searched."""
    frames = scenes.render("empty scene")[:32]
    cost = costs.compare({"gate": costs.pipeline(Config())}, frames)["gate"]
    assert cost.pixels == 0
    assert cost.found == 0


@pytest.mark.slow
def test_the_parts_are_measured_one_by_one() -> None:
    """Every part has its share."""
    parts = costs.stages(scenes.render("guest at the gate")[:12])
    assert set(parts) == {"face", "smile", "eyes", "rest"}
    assert all(value > 0 for value in parts.values())


def test_a_contender_that_fails_is_one_line() -> None:
    """A Python without mediapipe is said so."""
    with pytest.raises(GateError, match="measurement failed"):
        costs.facemesh(sys.executable + "-missing", [np.zeros((8, 8, 3), np.uint8)])


MACHINE = Figure("a board", "2026-05-01", "0.1.0", "guest far", "whole", 2.5, "ms")


@pytest.mark.parametrize(
    ("mean", "p99", "expected"),
    [(20, 60, Pace.KEEPS_UP), (20, 80, Pace.BARELY), (80, 90, Pace.TOO_SLOW)],
)
def test_keeping_up_is_done_before_the_next_frame(mean: float, p99: float, expected: Pace) -> None:
    """At 15 frames a second, a frame has 67 ms."""
    assert pace(mean, p99, 15.0) is expected


def test_figures_are_kept_and_read_again(tmp_path: Path) -> None:
    """One header, however often somebody appends; the newest of each machine counts."""
    path = tmp_path / "figures.csv"
    append(path, [MACHINE])
    newer = replace(MACHINE, date="2026-06-01", value=2.0)
    append(path, [newer, replace(MACHINE, machine="another", value=9.0)])
    figures = load(path)
    assert len(figures) == 3
    found = latest(figures, "guest far", "whole")
    assert {name: figure.value for name, figure in found.items()} == {"a board": 2.0, "another": 9}


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", "\0\0"])
def test_another_file_is_left_alone(tmp_path: Path, content: str) -> None:
    """`--save` with a wrong path appends nothing."""
    path = tmp_path / "letter.csv"
    path.write_text(content)
    with pytest.raises(GateError, match="check the path"):
        append(path, [MACHINE])
    assert path.read_text() == content


def test_the_reference_is_whole() -> None:
    """Every scene has every stage for every machine in the package."""
    figures = load()
    for name in {figure.machine for figure in figures}:
        found = {(one.scene, one.stage) for one in figures if one.machine == name}
        stages = ("face", "smile", "eyes", "rest", "whole", "p99", "naive")
        assert found >= {(scene, stage) for scene in scenes.SCENES for stage in stages}


def test_the_machine_is_called_by_its_own_name(tmp_path: Path) -> None:
    """A Pi by its device tree, another machine by its processor."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text("model name\t: A Chip\nmodel name\t: A Chip\n")
    assert machine(tmp_path).startswith("A Chip (2 cores")
    (tmp_path / "proc" / "device-tree").mkdir()
    (tmp_path / "proc" / "device-tree" / "model").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    assert machine(tmp_path) == "Raspberry Pi 5 Model B Rev 1.0"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One scene, few frames, and no process of its own for the memory."""
    frames = scenes.render("guest at the gate")[:12]
    monkeypatch.setattr(scenes, "SCENES", {"guest at the gate": scenes.SCENES["guest at the gate"]})
    monkeypatch.setattr(scenes, "render", lambda *_: frames)
    monkeypatch.setattr(costs, "peak_memory", lambda *_: 101.0)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_command_says_whether_this_board_keeps_up(tmp_path: Path) -> None:
    """In words, with memory, beside the reference; the figures are saved."""
    path = tmp_path / "mine.csv"
    slowly = tmp_path / "gate.yaml"
    slowly.write_text(  # every machine keeps up with it
        "camera: {fps: 0.1, stale_after_s: 60, stuck_after_s: 60}\nface: {lost_s: 60}\n"
    )
    words = ["bench", "--save", str(path), "--config", str(slowly)]
    result = CliRunner().invoke(group, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "measuring 1 of 1: guest at the gate" in result.stderr
    assert "keeps up with camera.fps 0.1" in " ".join(result.stdout.split())
    assert "Peak memory 101 MB" in " ".join(result.stdout.split())
    assert {figure.stage for figure in load(path)} >= {"whole", "p99", "peak"}


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_board_that_is_too_slow_fails_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, and what to lower."""
    slow = costs.Cost(900.0, 900.0, 950.0, 1.0, 1.0)
    monkeypatch.setattr(costs, "compare", lambda *_: {"gate": slow, "naive": slow})
    result = CliRunner().invoke(group, ["bench"], catch_exceptions=False)
    assert result.exit_code == 1
    assert "Lower camera.fps" in result.stdout
    lines = CliRunner().invoke(group, ["bench", "--json"]).stdout.splitlines()
    assert json.loads(lines[-1])["pace"] == "too_slow"
