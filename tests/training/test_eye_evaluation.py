"""Verdicts of the eye model on labelled eyes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
from click.testing import CliRunner

from gate.cli.model.evaluate import command as evaluate
from gate.core.domain import Box
from gate.training import lids
from tests.seeing import FACE, astronaut

if TYPE_CHECKING:
    from pathlib import Path


def judged(*arguments: object) -> list[dict[str, object]]:
    result = CliRunner().invoke(evaluate, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def shut() -> np.ndarray:
    """The astronaut with both lids drawn together."""
    photo = astronaut()
    gray = np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), np.uint8)
    places = lids.eyes(gray, Box(*FACE))
    assert places is not None
    return lids.drawn_together(gray, Box(*FACE), places, (0.1, 0.1))


def test_open_and_closed_faces_are_counted_apart(tmp_path: Path) -> None:
    """The real photo's open eyes must count as open; the shut ones among the closed."""
    for name, picture in (("open", astronaut()), ("closed", shut())):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "astronaut.png"), picture)
    for verdicts in judged(tmp_path, "--eyes", "faces"):
        assert (verdicts["open"], verdicts["open_judged_open"]) == (1, 1)
        assert verdicts["closed"] == 1


def test_single_eyes_have_one_verdict_each(tmp_path: Path) -> None:
    """Crops are judged by one look of the model alone."""
    for name, shade in (("open", 20), ("closed", 190)):
        (tmp_path / name).mkdir()
        for number in range(4):
            eye = np.full((24, 24), 200, np.uint8)
            cv2.circle(eye, (12, 12 + number % 2), 5, (shade,), -1)
            cv2.imwrite(str(tmp_path / name / f"{number}_L.png"), eye)
    (verdicts,) = judged(tmp_path, "--eyes", "single", "--kept-out-share", "0.8")
    assert verdicts["way"] == "model, one look"
    assert 0 < int(str(verdicts["open"])) + int(str(verdicts["closed"])) <= 8
