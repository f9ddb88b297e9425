"""The training loop's choice of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gate.core.domain import Box
from gate.training import fit
from gate.training.data import Example
from gate.training.plan import TrainingPlan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.tensorflow
def test_a_drawn_epoch_takes_small_sets_more_often_than_their_faces(tmp_path: Path) -> None:
    """Of 400 faces and 25, drawn by weight, the small set must have a fifth, no seventeenth."""
    picture = np.random.default_rng(0).integers(0, 255, (32, 32), dtype=np.uint8)
    faces = [
        Example(picture, Box(0, 0, 32, 32), number % 2, f"{number}", source)
        for source, count in (("large", 400), ("small", 25))
        for number in range(count)
    ]
    plan = TrainingPlan(arch="lenet5-modified", epochs=1, drawn=2000)
    run = fit.Run(plan, faces, faces[:4], tmp_path)
    seen: list[str] = []
    plain = run._vary

    def noted(some, labels, rng):  # type: ignore[no-untyped-def]  # only passes them on
        seen.extend(face.source for face in some)
        return plain(some, labels, rng)

    run._vary = noted  # type: ignore[method-assign]  # which faces were drawn is what is asked
    pictures, targets, weights = run._varied(0)
    assert len(pictures) == len(targets) == len(weights) == 2000
    assert set(weights) == {1.0}
    assert 0.15 < seen.count("small") / len(seen) < 0.25
