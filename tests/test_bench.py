"""The measurement of work; never how fast this machine is."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gate import bench, bench_scenes
from gate.config import Config
from gate.errors import GateError


def test_the_gate_searches_far_less_than_the_naive_loop() -> None:
    """With a guest at the gate, in the same frames: a hundredth of the pixels."""
    frames = bench_scenes.render("guest at the gate")[:24]
    contenders = {"gate": bench.pipeline(Config()), "naive": bench.naive()}
    costs = bench.compare(contenders, frames)
    assert costs["gate"].found == 1.0
    assert costs["gate"].pixels < costs["naive"].pixels / 60


def test_an_empty_scene_is_not_searched_again_and_again() -> None:
    """Nothing changed: no pixel is searched."""
    frames = bench_scenes.render("empty scene")[:32]
    cost = bench.compare({"gate": bench.pipeline(Config())}, frames)["gate"]
    assert cost.pixels == 0
    assert cost.found == 0


def test_the_parts_are_measured_one_by_one() -> None:
    """Every part has its share."""
    parts = bench.stages(bench_scenes.render("guest at the gate")[:12])
    assert set(parts) == {"face", "smile", "eyes", "rest"}
    assert all(value > 0 for value in parts.values())


def test_a_contender_that_fails_is_one_line() -> None:
    """A Python without mediapipe is said so."""
    with pytest.raises(GateError, match="measurement failed"):
        bench.facemesh(sys.executable + "-missing", [np.zeros((8, 8, 3), np.uint8)])
