"""What many tests need: the demo clip, a configuration that uses it; how tests are run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gate.replay import demo_clip
from tests.daemons import Manager
from tests.waiting import PATIENCE_S

# How long an example takes says how busy the machine is.
settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--times``, which finds tests that pass by luck: `make test-again`."""
    parser.addoption("--times", type=int, default=1, help="run each test so often")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make as many tests of each as ``--times`` says."""
    times = metafunc.config.getoption("--times")
    if times > 1:
        metafunc.fixturenames.append("attempt")
        metafunc.parametrize("attempt", range(1, times + 1))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Print what was skipped and why, after everything else; nothing where nothing was.

    With xdist the workers have no terminal, and this is printed once.
    """
    yield
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not (skipped := terminal.stats.get("skipped")):
        return
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    terminal.write_line(f"{len(skipped)} skipped:")
    for reason, count in sorted(reasons.items()):
        terminal.write_line(f"  {count} × {reason}")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip as a video file."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    demo_clip.write(path)
    return path


@pytest.fixture
def write_config(tmp_path: Path, clip: Path) -> Callable[..., Path]:
    """Write a configuration with the clip as camera and mock pins; sections may be changed.

    A camera that is late on a busy machine is no fault; a test that wants the fault says when.
    """

    def write(**sections: dict[str, object]) -> Path:
        values: dict[str, dict[str, object]] = {
            "camera": {"source": str(clip), "stale_after_s": PATIENCE_S},
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
