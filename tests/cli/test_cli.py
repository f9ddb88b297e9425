"""The command line as a whole: its help, and what it makes of a typing error."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gate.cli import SECTIONS, group
from gate.cli.lazy import GROUPS
from gate.cli.manual import walk
from tests.cli.calls import call

PATHS = [context.command_path.split()[1:] for context in walk(group)]
HEAVY = {"numpy", "cv2", "tensorflow", "matplotlib", "sqlalchemy"}
LOADED = """
import sys
from gate.cli import group
group(sys.argv[1:], prog_name="smile-gate", standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def loaded_by(*words: str) -> set[str]:
    """Every module in memory after the command."""
    command = [sys.executable, "-c", LOADED, *words]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize("path", PATHS[1:], ids=" ".join)
def test_every_command_has_help_with_an_example(path: list[str]) -> None:
    """`--help` shows how a command is called."""
    result = call(*path, "--help")
    assert result.exit_code == 0
    assert f"smile-gate {' '.join(path)}" in result.output.partition("Example")[2]


def test_help_lists_the_commands_in_groups() -> None:
    """Each command stands once, in a line that fits a terminal, below its heading."""
    lines = call("--help").output.splitlines()
    for heading, commands in SECTIONS.items():
        at = lines.index(f"{heading}:")
        listed = lines[at + 1 : at + 1 + len(commands)]
        assert [line.split()[0] for line in listed] == list(commands)
    assert max(map(len, lines)) < 80


def test_the_groups_that_are_searched_are_those_that_there_are() -> None:
    """A command below another is found whichever group it is in."""
    assert {path[0] for path in PATHS if len(path) > 1} == set(GROUPS)


@pytest.mark.parametrize("words", [(), ("model",), ("model", "train"), ("audit",), ("open",)])
def test_help_loads_no_heavy_library(words: tuple[str, ...]) -> None:
    """`-h` is answered at once on a Pi, and where no TensorFlow is installed."""
    assert not loaded_by(*words, "-h") & HEAVY


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["clasify"], "there is no command 'clasify' (did you mean 'classify'?)"),
        (["audit", "lsit"], "there is no command 'lsit' (did you mean 'list'?)"),
        (["train"], "there is no command 'train' (did you mean 'model train'?)"),
        (["export"], "(did you mean 'audit export' or 'model export'?)"),
        (["xyzzy"], "there is no command 'xyzzy'\n"),
    ],
)
def test_an_unknown_command_is_refused_with_what_is_like_it(words: list[str], says: str) -> None:
    """A typing error is a usage error that names the command meant, not a traceback."""
    result = call(*words)
    assert result.exit_code == 2
    assert says in result.stderr
