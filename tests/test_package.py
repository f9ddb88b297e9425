"""What people install: the wheel and the source archive, away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
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
NOT_SOURCE = (
    ".git",
    ".venv",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "dist",
    "*.egg-info",
)
BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]  # it changes the arguments
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""
SHORT_BENCH = """
from gate.cli import main
from gate.replay.bench import costs, scenes
scenes.SCENES = {name: scenes.SCENES[name] for name in ("empty scene", "guest at the gate")}
scenes.FRAMES = 9
main()
"""
"""The bench on a few frames: whether it works at all, not how fast this machine is."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The archives of this source by their kinds."""
    source = tmp_path_factory.mktemp("source") / "smile-gate"
    # Not in the checkout: setuptools leaves folders behind where it builds.
    ignored = shutil.ignore_patterns(*NOT_SOURCE)
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.mark.slow
def test_a_wheel_carries_models_and_the_default_settings(built: dict[str, Path]) -> None:
    """Model files, cards, gate.yaml and the demo's photo are in it; tests are not."""
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = set(wheel.namelist())
        for file in FILES:
            assert wheel.read(f"gate/data/{file}") == (ROOT / file).read_bytes(), file
    assert {f"gate/data/pictures/{name}" for name in ("astronaut.webp", "README.md")} <= names
    assert "gate/audit/migrations.py" in names
    assert not any(name.startswith("tests") for name in names)


@pytest.mark.slow
def test_a_source_archive_has_all_that_a_clone_has(built: dict[str, Path]) -> None:
    """Tests, pages, unit, requirements: it can be tested, and installed as a service."""
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    links = {"gate/data/config", "gate/data/models"}  # the files themselves are there
    assert set(listed) - names <= {".gitignore", *links}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_installed_runs_from_another_folder(
    kind: str, built: dict[str, Path], tmp_path: Path
) -> None:
    """The demo, the check and the bench find models, settings and photo beside the program."""
    target = tmp_path / "installed"
    # As `pip install --target` leaves it, which is neither a virtual environment nor a system.
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    install += ["--no-build-isolation", "--target", str(target), str(built[kind])]
    subprocess.run(install, check=True, cwd=tmp_path)
    environ = os.environ | {"PYTHONPATH": str(target)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    place = run("-c", "from gate.system import resources; print(resources.path('models'))")
    assert place.strip() == str(target / "gate/data/models")
    assert "as it should be" in run("-m", "gate", "demo", "--out", str(tmp_path / "demo"))
    assert "threshold" in run("-m", "gate", "check", "--default")
    slow = tmp_path / "slow.yaml"
    # Every machine keeps up with it.
    slow.write_text(
        "camera: {fps: 0.1, stale_after_s: 30, stuck_after_s: 60}\nface: {lost_s: 30}\n"
    )
    assert "keeps up" in run("-c", SHORT_BENCH, "bench", "--config", str(slow))


@pytest.mark.parametrize("file", FILES)
def test_a_checkout_has_one_copy_of_each_file(file: str) -> None:
    """What the package reads is the file that people look at; in a source archive, its copy."""
    assert resources.path(file).read_bytes() == (ROOT / file).read_bytes()
