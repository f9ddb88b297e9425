"""Models that were harmed, with a card that fits them: the gate hears of it in a line."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gate.config import Config, SmileSettings
from gate.errors import ModelError
from gate.system import resources
from gate.system.child import Child
from gate.vision import trial
from gate.vision.classifier import EYES, SHIPPED, TFLiteClassifier
from gate.vision.from_config import open_model
from gate.vision.trial import try_model
from tests.rig import service

Put = Callable[[bytes], Path]
GUARD_MB, QUERIES_MB, CHILD_MB = 20, 41, 30
"""What the processes beside the gate take, MB."""
SOURCE = resources.path(SHIPPED)


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a model with the shipped card, rewritten for it."""

    def write(content: bytes) -> Path:
        path = tmp_path / "own.tflite"
        path.write_bytes(content)
        card = json.loads(SOURCE.with_suffix(".json").read_text())
        card["sha256"] = hashlib.sha256(content).hexdigest()
        path.with_suffix(".json").write_text(json.dumps(card))
        return path

    return write


def without_numbers() -> bytes:
    """The shipped model, with no number in one of its layers."""
    with TFLiteClassifier() as model:
        interpreter = model._interpreter
        bias = interpreter.get_tensor(interpreter.get_tensor_details()[2]["index"])
    content = SOURCE.read_bytes()
    assert content.count(bias.tobytes()) == 1
    return content.replace(bias.tobytes(), np.full_like(bias, np.nan).tobytes())


def test_a_good_model_of_ones_own_passes(put: Put) -> None:
    """Its digest is what was tried, and the gate opens it."""
    path = put(SOURCE.read_bytes() + b" ")
    assert try_model(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with open_model(Config(smile=SmileSettings(model=path))) as model:
        assert model.card.sha256 == try_model(path)


def test_a_model_that_gives_no_number_is_refused(put: Put) -> None:
    """A face would never count, and nobody would know why."""
    path = put(without_numbers())
    with pytest.raises(ModelError, match="gives no number"):
        open_model(Config(smile=SmileSettings(model=path)))


@pytest.mark.slow
def test_harmed_models_end_a_child_at_most(put: Put) -> None:
    """Each of some with eight bytes harmed passes, or is one line that names it; one crashes."""
    dice = random.Random(1)
    for _ in range(6):
        content = bytearray(SOURCE.read_bytes())
        for _ in range(8):
            content[dice.randrange(len(content))] = dice.randrange(256)
        path = put(bytes(content))
        said = f"{path}: "
        try:
            try_model(path)
        except ModelError as error:
            said = str(error)
        assert said.startswith(f"{path}: ")
        assert "\n" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "said"), [("crash", "crashed what reads it"), ("hang", "took too long")]
)
def test_a_model_that_ends_its_child_is_a_line(
    put: Put, monkeypatch: pytest.MonkeyPatch, harm: str, said: str
) -> None:
    """A crash and a hang of the runtime: both are refusals."""

    class Harmed(Child):
        def ask(self, request: bytes) -> bytes:
            return super().ask(harm.encode())

    monkeypatch.setattr(trial, "Child", lambda _: Harmed("tests.system.crashing"))
    with pytest.raises(ModelError, match=rf"own\.tflite: {said}.*; use another model"):
        try_model(put(SOURCE.read_bytes() + b" "))


def test_a_model_at_its_limit_leaves_the_gate_its_memory() -> None:
    """Gate, guard, query process and this child, at its largest, are less than the unit allows."""
    unit = (Path(__file__).parents[2] / "systemd/smile-gate.service").read_text()
    (limit,) = re.findall(r"^MemoryMax=(\d+)M$", unit, re.MULTILINE)
    others = service.MEMORY_MB + GUARD_MB + QUERIES_MB + CHILD_MB
    assert others + trial.MEMORY // 2**20 < int(limit)


@pytest.mark.parametrize(
    ("program", "limit_mb"),
    [
        ("import gate.hardware.guard_process", GUARD_MB),
        ("import gate.service.query_child", QUERIES_MB),
        ("import gate.vision.trial", CHILD_MB),
    ],
)
def test_a_process_beside_the_gate_takes_no_more_than_is_reckoned_with(
    program: str, limit_mb: int
) -> None:
    """Of its own: what it reads from files the kernel can take back."""
    look = "print(*[line.split()[1] for line in open('/proc/self/status') if 'RssAnon' in line])"
    run = subprocess.run(
        [sys.executable, "-c", f"{program}; {look}"], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) / 1024 < limit_mb


@pytest.mark.parametrize("name", [SHIPPED, EYES])
def test_a_shipped_model_needs_no_trial(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by its digest, wherever it lies, and a start does not wait for it."""
    monkeypatch.setattr(trial, "Child", lambda _: pytest.fail("no child"))
    path = Path(shutil.copy(resources.path(name), tmp_path / "copy.tflite"))
    assert try_model(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_model_that_changes_during_its_trial_is_refused(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is used is what was tried."""
    path = put(SOURCE.read_bytes() + b" ")
    monkeypatch.setattr("gate.vision.from_config.try_model", lambda _: "0" * 64)
    with pytest.raises(ModelError, match="was replaced during its trial"):
        open_model(Config(smile=SmileSettings(model=path)))
