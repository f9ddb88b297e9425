from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gate.cli import group
from gate.replay import demo_clip


@pytest.mark.slow
def test_the_clip_is_the_same_each_time() -> None:
    """A demo that changed from run to run could not be a test."""
    first, again = demo_clip.render(), demo_clip.render()
    for _ in range(20):
        assert np.array_equal(next(first), next(again))


@pytest.mark.slow
def test_the_demo_grants_once_and_refuses_once(tmp_path: Path) -> None:
    """The real daemon on the clip, in this process: what `make demo` prints."""
    result = CliRunner().invoke(group, ["demo", "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.output.count("granted: visit 1, smile_held") == 2  # live, and from the log
    assert result.output.count("visit_left: visit 2, eyes_closed") == 2
    moves = result.output.partition("the relay's line:\n")[2].split("\n\n")[0].splitlines()
    assert [move.split()[-1] for move in moves] == ["off", "on", "off"]
    assert (tmp_path / "timeline.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_demo_in_which_nothing_happens_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's verdict can be bad: an empty clip neither grants nor refuses."""
    monkeypatch.setattr(demo_clip, "SCENES", (demo_clip.Scene("empty", 0.5),))
    result = CliRunner().invoke(group, ["demo", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "expected one grant and one refusal" in result.output
