"""Eyes to learn from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import eye_model
from gate.training.data import Example
from tests.seeing import FACE, astronaut


def folder(where: Path) -> Path:
    """Twenty faces' eyes, two each, as the labelled crops are."""
    chance = np.random.default_rng(0)
    for name in ("open", "closed"):
        (where / name).mkdir()
        for face in range(20):
            for side in "LR":
                eye = chance.integers(0, 255, (24, 24), dtype=np.uint8)
                cv2.imwrite(str(where / name / f"face_{face:02}_{side}.png"), eye)
    return where


def test_both_eyes_of_a_face_are_kept_out_together(tmp_path: Path) -> None:
    """Who has seen one eye of a face has seen the other."""
    data = eye_model.read_eyes(folder(tmp_path), 0.3)
    names = [{one.key.rsplit("_", 1)[0] for one in part} for part in (data.training, data.kept_out)]
    assert names[0]
    assert names[1]
    assert not names[0] & names[1]


def test_a_set_of_one_class_is_refused(tmp_path: Path) -> None:
    """There is nothing to learn from open eyes alone."""
    (tmp_path / "open").mkdir()
    with pytest.raises(PictureError, match="open/ and closed/"):
        eye_model.read_eyes(tmp_path, 0.2)


def test_only_sure_pairs_are_learnt_from() -> None:
    """Both eyes of a face get the verdict on both; where it is in doubt they are left out."""
    face = Example(astronaut(), Box(*FACE), 1, "smiling/astronaut", "photos")
    pairs = eye_model.eyes_of([face, face, face])
    labelled = eye_model.self_labelled(pairs, [0.9, 0.7, 0.05, 0.01, 0.3, 0.2])
    assert [one.label for one in labelled] == [1, 1, 0, 0]


def test_the_eye_recipe_keeps_its_batches() -> None:
    """A thousand eyes are a small set, and the first round makes up for it with more epochs."""
    assert eye_model.plan("eye-net", 40, seed=1, threads=1).faces_a_step(1000) == 128
