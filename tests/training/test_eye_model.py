"""Eyes to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from gate.cli.model.train import command as train
from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import eye_model
from gate.training.data import Example
from gate.vision.classifier import TFLiteClassifier
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
    assert eye_model.PLAN.faces_a_step(1000) == 128


@pytest.mark.tensorflow
def test_the_command_trains_the_eye_model(tmp_path: Path) -> None:
    """``model train --eyes`` must write a model that the gate loads, and say how good it is."""
    (tmp_path / "eyes").mkdir()
    eyes, out = folder(tmp_path / "eyes"), tmp_path / "run"
    arguments = ["--eyes", eyes, "--out", out, "--epochs", 1, "--threshold", 0.4]
    result = CliRunner().invoke(train, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert "judged open" in result.output
    with TFLiteClassifier(out / "eyes.tflite") as model:
        assert model.card.threshold == 0.4
    plan = json.loads((out / "first" / "state.json").read_text())["plan"]
    assert (plan["arch"], plan["epochs"], plan["batch"]) == ("eye-net", 1, 128)
