"""What an installed wheel has, away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gate.system import resources

ROOT = Path(__file__).parent.parent
FILES = (
    "models/smile.tflite",
    "models/smile.json",
    "models/smile.npz",
    "models/eyes.tflite",
    "config/gate.yaml",
    "config/gate.schema.json",
)


@pytest.mark.slow
def test_a_wheel_carries_models_and_the_default_settings(tmp_path: Path) -> None:
    """Model files, cards and gate.yaml are in the wheel; tests and pictures are not."""
    source = tmp_path / "source"  # not in the checkout: setuptools leaves a build folder behind
    for name in ("gate", "models", "config"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(target)
    for file in FILES:
        assert (target / "gate/data" / file).read_bytes() == (ROOT / file).read_bytes(), file
    assert (target / "gate/audit/migrations.py").exists()
    assert not (target / "tests").exists()
    # As `pip install --target` leaves it, and from another folder.
    code = "from gate.system import resources; print(resources.path('models/smile.tflite'))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(target)},
    )
    assert told.stdout.strip() == str(target / "gate/data/models/smile.tflite")


@pytest.mark.parametrize("file", FILES)
def test_a_checkout_has_one_copy_of_each_file(file: str) -> None:
    """What the package reads is the file that people look at."""
    assert resources.path(file).resolve() == ROOT / file
