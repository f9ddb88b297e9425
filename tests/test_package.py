"""What an installed wheel has, away from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gate import resources

ROOT = Path(__file__).parent.parent
FILES = (
    "models/smile.tflite",
    "models/smile.json",
    "models/smile.npz",
    "models/eyes.tflite",
    "config/gate.yaml",
)


def test_a_wheel_carries_models_and_the_default_settings(tmp_path: Path) -> None:
    """Model files, cards and gate.yaml are in the wheel; tests and pictures are not."""
    source = tmp_path / "source"  # not in the checkout: setuptools leaves a build folder behind
    for name in ("gate", "models", "config"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
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
    names = zipfile.ZipFile(wheel).namelist()
    for file in FILES:
        assert any(name.endswith(f"data/share/smile-gate/{file}") for name in names), file
    assert "gate/store/migrations.py" in names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.parametrize("file", FILES)
def test_an_installed_program_finds_its_files(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the package in a checkout, else below the environment's share folder."""
    assert resources.path(file) == ROOT / file
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "site-packages/gate/resources.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert resources.path(file) == tmp_path / "share" / "smile-gate" / file
