"""The house rules: who may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GATE = Path(__file__).parent.parent / "gate"

ROOMS = {
    "cv2": {
        "bench",
        "bench_scenes",
        "camera",
        "demo",
        "doctor",
        "drawing",
        "framing",
        "pictures",
        "vision",
        "training",
    },
    "gpiozero": {"lines", "inputs", "pins", "cli.demo"},
    "sqlalchemy": {"store"},
    "apscheduler": {"jobs"},
    "yaml": {"yamlfile"},
    "pydantic": {"settings", "config"},
    "tflite_runtime": {"smile"},
    "ai_edge_litert": {"smile"},
    "picamera2": {"camera"},
    "tensorflow": {"training", "smile"},
    "keras": {"training"},
    "matplotlib": {"plot", "training", "store", "cli"},
    "skimage": {"bench_scenes", "demo"},
    "click": {"cli"},
    "rich": {"cli", "training"},
    "prometheus_client": {"metrics"},
}
"""A third-party library → the rooms that may import it."""

FOUNDATION = {"domain", "errors", "rules", "table", "resources"}
"""What every room may import: values, words, and where files lie."""

HELPERS = {
    "config": {"settings", "yamlfile"},
    "machine": {"table"},
    "bench_reference": {"board"},
    "board": {"store"},
    "camera": {"credentials", "pictures"},
    "feed": {"camera", "inbox"},
    "jobs": {"hours"},
    "controller": {"machine", "describe"},
    "relay": {"lines"},
    "changes": {"beside", "credentials", "settings", "yamlfile"},
    "standing": {"beside", "opening", "store"},
    "settings": {"credentials"},
    "panel": {"lines"},
    "wires": {"inputs", "opening", "relay"},
    "health": {"gauges", "status", "store", "systemd"},
    "status": {"board"},
    "history": {"describe", "status", "store"},
    "control": set(),
    "server": {"control", "peer"},
    "lookout": {"controller", "feed", "gauges", "meter", "pipeline", "vision"},
    "housekeeping": {"jobs", "settings", "store"},
    "pipeline": {"framing", "vision"},
    "smile": {"framing"},
    "vision": {"framing"},
    "metrics": {"board", "meter"},
    "trace": set(),
    "plot": {"trace"},
}
"""A room → what else of the gate it may import; adapters never import each other."""

COMPOSERS = {
    "bench",
    "bench_scenes",
    "cli",
    "daemon",
    "demo",
    "doctor",
    "operating",
    "outputs",
    "parts",
    "reload",
    "replay",
    "running",
    "segments",
    "snapshot",
    "training",
} | {
    "__main__",
    "__init__",
}
"""Rooms that put others together."""


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
    """Every module of the gate by its dotted name without `gate.`."""
    names = (path.relative_to(GATE).with_suffix("") for path in GATE.rglob("*.py"))
    return sorted(".".join(name.parts).removesuffix(".__init__") for name in names)


def source(module: str) -> Path:
    path = GATE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def inside(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("module", modules())
def test_a_library_is_imported_in_its_own_room_only(module: str) -> None:
    """Whoever replaces a library has one room to change."""
    for name in imports(source(module)):
        library = name.partition(".")[0]
        assert library not in ROOMS or inside(module, ROOMS[library]), name


@pytest.mark.parametrize("module", modules())
def test_rooms_do_not_reach_into_each_other(module: str) -> None:
    """Adapters know the domain; only the composers know the adapters."""
    room = module.partition(".")[0]
    if room in COMPOSERS:
        return
    allowed = FOUNDATION | HELPERS.get(room, set()) | {room, "__init__"}
    for name in imports(source(module)):
        if name == "gate" or not name.startswith("gate."):
            continue
        assert name.split(".")[1] in allowed, f"{module} imports {name}"


@pytest.mark.parametrize("module", ["domain", "errors", "rules", "table", "machine"])
def test_the_core_needs_nothing_but_the_standard_library(module: str) -> None:
    """What decides a grant can be read, run and tested without a camera, a database or a pin."""
    for name in imports(source(module)):
        assert name.startswith("gate") or name.partition(".")[0] in sys.stdlib_module_names, name


def test_the_daemon_does_not_load_what_it_does_not_need() -> None:
    """No training, no plots, no demo in the memory of a Pi."""
    code = "import sys, gate.daemon; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    unwanted = {
        "tensorflow",
        "matplotlib",
        "skimage",
        "gate.training",
        "gate.demo",
        "rich",
        "prometheus_client",
    }
    assert not loaded & unwanted
