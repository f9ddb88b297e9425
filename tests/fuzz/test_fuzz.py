"""Every way in keeps its promise for a seeded few strange inputs; ``make fuzz`` tries a million."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import run_batch, try_one
from tests.fuzz.target import CORPUS, Target, corpus
from tests.fuzz.targets import TARGETS

FEW = {"logs": 60, "pictures": 100}
"""Inputs of what takes longest; 300 of the others."""


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_strange_inputs_break_no_promise(target: Target) -> None:
    """What the target promises holds for each of them."""
    _, finding = run_batch(target, 0, FEW.get(target.name, 300))
    assert finding is None, f"{finding.data!r}\n{finding.said}"


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_what_was_found_once_stays_mended(name: str, tmp_path: Path) -> None:
    """Each kept input of a target keeps the promise too."""
    kept = corpus(name)
    assert kept
    for data in kept:
        try_one(TARGETS[name], tmp_path / "case", data)


def test_a_broken_promise_is_found_and_its_input_made_small() -> None:
    """The harness can fail: a check that refuses one letter is found out."""

    def check(_folder: Path, data: bytes) -> None:
        assert b"\xff" not in data

    settings = TARGETS["settings"]
    target = Target("settings", "no such byte", 1, settings.inputs, check)
    _, finding = run_batch(target, 0, 400)
    assert finding is not None
    assert b"\xff" in finding.data
