"""Labelled clips through the gate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import group
from gate.errors import PictureError
from gate.replay.segments import load


def folder(where: Path, clip: Path, rows: str) -> Path:
    """A folder with the demo's clip and a list."""
    shutil.copy(clip, where / "clip.avi")
    (where / "segments.csv").write_text(f"path,first_frame,last_frame,label,note\n{rows}")
    return where


def test_each_stretch_is_judged(tmp_path: Path, clip: Path) -> None:
    """A smile is right when it is granted within a second, an empty scene when it never is."""
    rows = "clip.avi,0,8,no_face,\nclip.avi,42,62,smile,\nclip.avi,0,8,smile,wrong on purpose\n"
    result = CliRunner().invoke(group, ["segments", str(folder(tmp_path, clip, rows)), "--json"])
    assert result.exit_code == 0, result.output
    empty, smile, wrong = (json.loads(line) for line in result.stdout.splitlines())
    assert (empty["grants"], empty["right"]) == (0, True)
    assert smile["right"]
    assert smile["grants"] >= 1
    assert not wrong["right"]


@pytest.mark.parametrize(
    "text", [None, "a,b\n1,2\n", "path,first_frame,last_frame,label\nx.mp4,one,2,smile\n"]
)
def test_a_list_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    """No list, other columns, no numbers: one line each."""
    if text is not None:
        (tmp_path / "segments.csv").write_text(text)
    with pytest.raises(PictureError, match=r"segments\.csv"):
        load(tmp_path)


def test_grants_are_counted_by_kind_of_stretch(tmp_path: Path, clip: Path) -> None:
    """A yawn and a shout are two kinds: each must say in how many stretches it was let in."""
    rows = 'clip.avi,0,8,nonsmile,"yawn, wide"\nclip.avi,42,62,nonsmile,shouting\n'
    result = CliRunner().invoke(group, ["segments", str(folder(tmp_path, clip, rows))])
    assert result.exit_code == 0, result.output
    assert "nonsmile, yawn: 0 of 1 stretches with a grant" in result.stdout
    assert "nonsmile, shouting: 1 of 1 stretches with a grant" in result.stdout
