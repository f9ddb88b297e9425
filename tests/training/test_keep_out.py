"""Choice of the faces that no training may see."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from gate.cli.model.keep_out import command as keep_out_command
from gate.training import data, keep_out
from tests.training.conftest import draw_set, drawn_face


def test_near_copies_are_one_group() -> None:
    """The same face darker, noisier and smaller must be found again; others must not be."""
    rng = np.random.default_rng(4)
    faces = [rng.integers(0, 255, (64, 64), dtype=np.uint8) for _ in range(3)]
    face = cv2.resize(drawn_face(rng, smiling=True), (64, 64))
    dark = np.asarray(cv2.resize(face // 2, (40, 40), interpolation=cv2.INTER_AREA), np.uint8)
    assert keep_out.alike([faces[0], face, faces[1], dark, faces[2]]) == [0, 1, 2, 1, 4]


def test_a_persons_faces_stay_together_over_all_sets(tmp_path: Path) -> None:
    """Of 40 people with a face in each of two sets, some are kept out, from both sets alike."""
    lines = ["set,path,person"]
    for name, seed in (("one", 1), ("two", 2)):
        draw_set(tmp_path / name, 20, seed)
        for number, (key, _, _) in enumerate(data.pictures(tmp_path / name)):
            lines.append(f"{name},{name}/{key},id{number}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    first, second = (keep_out.chosen(tmp_path / name, 0.3) for name in ("one", "two"))
    assert first == second
    assert 0 < len(first) < 40


def test_the_command_writes_the_list_that_training_takes(tmp_path: Path, drawn: Path) -> None:
    """Every kept-out face must be named once, in a form that --kept-out reads."""
    out = tmp_path / "list.txt"
    arguments = ["--data", str(drawn), "--share", "0.4", "--out", str(out)]
    result = CliRunner().invoke(keep_out_command, arguments)
    assert result.exit_code == 0, result.output
    assert sorted(data.read_list(out)) == keep_out.chosen(drawn, 0.4)
    assert data.read_list(out)
