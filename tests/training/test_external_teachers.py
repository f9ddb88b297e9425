"""Opinions of networks from elsewhere: read, cross-fitted, written, and used in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gate.cli.model.opinions import command as ask
from gate.cli.model.train import command as train
from gate.errors import GateError
from gate.training import batches, data, external_teachers, run_record
from gate.training.plan import TrainingPlan


def test_eight_bit_weights_become_real_numbers() -> None:
    """A packed array is scale times number plus minimum, and the next one starts behind it."""
    manifest = [
        {
            "weights": [
                {
                    "name": "a",
                    "shape": [2, 1],
                    "dtype": "float32",
                    "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
                },
                {"name": "b", "shape": [1], "dtype": "float32"},
            ]
        }
    ]
    arrays = external_teachers.unpacked(manifest, bytes([0, 4]) + np.float32(2.5).tobytes())
    assert arrays["a"].tolist() == [[-1.0], [1.0]]
    assert arrays["b"].tolist() == [2.5]


@pytest.mark.slow
def test_an_opinion_has_not_seen_its_own_label() -> None:
    """Features that are pure noise must say nothing of the labels, however many there are."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 300)
    noise = rng.normal(size=(300, 80)).astype(np.float32)
    weights = np.ones(300, np.float32)
    blind = external_teachers.cross_fitted(noise, labels, weights)
    told = external_teachers.cross_fitted(
        np.column_stack([noise, labels + rng.normal(0, 0.1, 300)]).astype(np.float32),
        labels,
        weights,
    )
    assert abs(np.corrcoef(blind, labels)[0, 1]) < 0.2
    assert np.mean((told > 0.5) == labels) > 0.95


def test_opinions_add_up_in_log_odds() -> None:
    """Two doubtful voices for a smile are surer than one; an outside voice alone is kept."""
    one, two = np.array([0.7], np.float32), np.array([0.8], np.float32)
    both = batches.together(one, two, 0.5)
    assert both is not None
    assert both[0] == pytest.approx(14 / 17, abs=1e-4)
    assert batches.together(None, two, 0.5) is two
    assert batches.together(one, None, 0.5) is one


def test_opinions_are_read_from_either_table(drawn: Path, tmp_path: Path) -> None:
    """Our own table and one of paths that begin with the set must give the same opinions."""
    faces = data.read(drawn, data.Crops.HAAR).examples[:2]
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    external_teachers.write(ours, faces, np.array([0.25, 0.75], np.float32))
    lines = [f"{e.source},{e.source}/{e.key},{p}" for e, p in zip(faces, (0.25, 0.75), strict=True)]
    theirs.write_text("\n".join(["set,path,opinion", *lines]))
    for table in (ours, theirs):
        assert external_teachers.read(table, faces).tolist() == [0.25, 0.75]


@pytest.mark.tensorflow
def test_training_takes_opinions_from_a_table(drawn: Path, tmp_path: Path) -> None:
    """``train --opinions`` must read each face's opinion, and refuse a table that lacks one."""
    source = run_record.RunRecord(plan=TrainingPlan(), folders=(str(drawn),), crops=data.Crops.HAAR)
    faces, _ = source.examples()
    table = tmp_path / "opinions.csv"
    external_teachers.write(table, faces, np.full(len(faces), 0.25, np.float32))
    assert external_teachers.read(table, faces).tolist() == [0.25] * len(faces)
    run = [
        "--data", str(drawn), "--crops", "haar", "--arch", "lenet5-modified", "--epochs", "1",
        "--batch", "4", "--opinions", str(table), "--out",
    ]  # fmt: skip
    result = CliRunner().invoke(train, [*run, str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    result = CliRunner().invoke(train, [*run, str(tmp_path / "other")])
    assert isinstance(result.exception, GateError)
    assert "has no row for" in str(result.exception)


def test_other_files_are_refused(drawn: Path, tmp_path: Path) -> None:
    """Networks that are not the checked ones must not be asked."""
    for name in external_teachers.SHA256:
        (tmp_path / name).write_bytes(b"something else")
    arguments = ["--data", drawn, "--networks", tmp_path, "--out", tmp_path / "o.csv"]
    result = CliRunner().invoke(ask, [str(argument) for argument in arguments])
    assert isinstance(result.exception, GateError)
    assert "fetch it again" in str(result.exception)
