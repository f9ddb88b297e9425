"""What many tests need: the demo clip, a configuration that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gate.replay import demo_clip
from tests.daemons import Manager


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip as a video file."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    demo_clip.write(path)
    return path


@pytest.fixture
def write_config(tmp_path: Path, clip: Path) -> Callable[..., Path]:
    """Write a configuration with the clip as camera and mock pins; sections may be changed."""

    def write(**sections: dict[str, object]) -> Path:
        values: dict[str, dict[str, object]] = {
            "camera": {"source": str(clip), "stale_after_s": 1.0},
            "face": {"lost_s": 0.7},
            "relay": {"pin_factory": "mock", "hold_s": 1.0},
            "rearm": {"after_s": 0.3},
            # How fast a busy machine commits is not what these tests are about.
            "store": {"path": str(tmp_path / "audit.db"), "grant_within_s": 20.0},
            "control": {"socket": str(tmp_path / "control.sock")},
        }
        for name, entries in sections.items():
            values[name] = values.get(name, {}) | entries
        path = tmp_path / "gate.yaml"
        path.write_text(json.dumps(values))  # JSON is YAML
        return path

    return write


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with closing(Manager(tmp_path)) as it:
        yield it
