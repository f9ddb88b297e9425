"""How the tests themselves are run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
HOOKS = "from tests.conftest import pytest_addoption, pytest_generate_tests, pytest_sessionfinish\n"
SKIPS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_a_tool(number):
    pytest.skip("a tool is not installed")

@pytest.mark.skipif(True, reason="needs root")
def test_a_right():
    pass

def test_that_runs():
    pass
"""


def run(folder: Path, tests: str, *words: str) -> list[str]:
    """What pytest prints of some tests that it runs with this project's hooks, line by line."""
    (folder / "conftest.py").write_text(HOOKS)
    (folder / "test_it.py").write_text(tests)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run(
        [*command, "-c", "/dev/null", *words, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", [(), ("--numprocesses", "2")], ids=["one", "xdist"])
def test_what_is_skipped_is_printed_last_and_counted(tmp_path: Path, words: tuple[str]) -> None:
    """Each reason has its count, after everything else, also where the tests run in parallel."""
    said = run(tmp_path, SKIPS, *words)
    assert said[-3:] == ["4 skipped:", "  3 × a tool is not installed", "  1 × needs root"]


def test_a_run_without_skips_prints_nothing_more(tmp_path: Path) -> None:
    """The last line is pytest's own."""
    assert run(tmp_path, "def test_it(): pass")[-1].startswith("1 passed in ")


def test_times_runs_each_test_so_often(tmp_path: Path) -> None:
    """What passes by luck is found by repeating it."""
    tests = "import pytest\n@pytest.mark.parametrize('it', 'ab')\ndef test_it(it): pass"
    assert run(tmp_path, tests, "--times", "50")[-1].startswith("100 passed in ")
