"""The house rules: who may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GATE = Path(__file__).parent.parent / "gate"

RANKS = (
    {"errors"},
    {"system", "core"},
    {"config"},
    {"hardware", "vision"},
    {"audit"},
    {"interfaces", "training"},
    {"service", "replay"},
    {"doctor"},
    {"cli"},
)
"""The rooms: each imports from those above it, and never from another one of its own line."""

ADAPTERS = {"hardware", "vision", "audit", "interfaces"}
"""Rooms that get values, not settings: only their ``from_config.py`` reads those."""

PICTURES = {"hardware", "vision", "replay", "training", "doctor"}
"""Rooms that have pictures in their hands: numpy and OpenCV."""

LOOKS = {"cli", "replay", "training"}
"""Rooms that people look at: tables and plots."""

LIBRARIES = {
    "cv2": PICTURES,
    "numpy": PICTURES | {"cli"},
    "rich": LOOKS,
    "matplotlib": {"cli", "training"},
    "gpiozero": {"hardware"},
    "picamera2": {"hardware"},
    "sqlalchemy": {"audit"},
    "pyarrow": {"audit"},
    "apscheduler": {"service"},
    "yaml": {"config"},
    "ruamel": {"config"},
    "pydantic": {"config"},
    "tflite_runtime": {"vision"},
    "ai_edge_litert": {"vision"},
    "tensorflow": {"vision", "training"},
    "keras": {"training"},
    "click": {"cli"},
    "prometheus_client": {"interfaces"},
}
"""A third-party library → the rooms that may import it; one that is not named has no room."""


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside of functions, but not for types only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "gate":
                yield from (f"gate.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def modules() -> list[str]:
    """Every module in a room, by its path below ``gate/``; the package's own two files are none."""
    paths = (path.relative_to(GATE) for path in GATE.rglob("*.py"))
    return sorted(str(path) for path in paths if path.name == "errors.py" or len(path.parts) > 1)


def room_of(module: str) -> str:
    return Path(module).parts[0].removesuffix(".py")


def rank(room: str) -> int:
    return next(number for number, rooms in enumerate(RANKS) if room in rooms)


def is_own(name: str) -> bool:
    return name.startswith("gate.")


@pytest.mark.parametrize("module", modules())
def test_imports_run_one_way(module: str) -> None:
    """A room knows those of lower rank; rooms of one rank do not know each other."""
    own = room_of(module)
    for name in filter(is_own, imports(GATE / module)):
        room = name.split(".")[1]
        if room not in (own, "__version__"):
            assert rank(room) < rank(own), f"{module} imports {name}"


@pytest.mark.parametrize("module", [name for name in modules() if room_of(name) == "core"])
def test_the_core_needs_nothing_but_the_standard_library(module: str) -> None:
    """What decides a grant can be read, run and tested without a camera, a database or a pin."""
    for name in imports(GATE / module):
        assert is_own(name) or name.partition(".")[0] in sys.stdlib_module_names, name


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in modules()
        if room_of(name) in ADAPTERS and not name.endswith("from_config.py")
    ],
)
def test_an_adapter_does_not_read_the_settings(module: str) -> None:
    """An adapter is made from the settings in its folder's ``from_config.py``, nowhere else."""
    for name in imports(GATE / module):
        assert not name.startswith("gate.config"), f"{module} imports {name}"


@pytest.mark.parametrize("module", modules())
def test_a_library_has_its_rooms(module: str) -> None:
    """Whoever replaces a library has one room to change."""
    for name in imports(GATE / module):
        library = name.partition(".")[0]
        if library != "gate" and library not in sys.stdlib_module_names:
            assert room_of(module) in LIBRARIES.get(library, ()), f"{module} imports {name}"


def loaded_by(code: str) -> set[str]:
    """Every module in memory after a fresh interpreter has run the code."""
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_daemon_does_not_load_what_it_does_not_need() -> None:
    """No training, no plots, no demo in the memory of a Pi."""
    unwanted = {
        "tensorflow",
        "matplotlib",
        "gate.training",
        "gate.replay",
        "rich",
        "prometheus_client",
    }
    assert not loaded_by("import gate.service.daemon") & unwanted


def test_making_the_lines_safe_loads_no_camera_and_no_settings() -> None:
    """After a kill, each import counts: a line may still be driven."""
    heavy = {"cv2", "numpy", "sqlalchemy", "pydantic", "yaml"}
    assert not loaded_by("import gate.cli.safe_state") & heavy
