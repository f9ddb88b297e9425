"""The pages in docs/ against the code."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import click
import pytest

from gate.cli import group
from gate.config import Config
from gate.core.domain import Reason
from tests.pages import commands

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("*.md"), *(ROOT / "models").glob("*.md"), ROOT / "README.md"]
SYSTEM = {"chown", "install", "journalctl", "sh", "systemctl", "tar", "usermod"}
"""What every Debian has."""
WIRING = (DOCS / "wiring.md").read_text()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained(reason: Reason) -> None:
    """The one documented list of codes has each code, and only real ones."""
    assert f"`{reason}`" in WIRING.partition("## Reasons")[2]


def test_no_reason_is_invented() -> None:
    """A code in the list is one of the code's own."""
    rows = re.findall(r"^\| (`.*?) \|", WIRING.partition("## Reasons")[2], re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert codes == {str(reason) for reason in Reason}


def test_the_settings_that_are_named_exist() -> None:
    """`section.setting` in the page is a setting of the file."""
    for section, name in re.findall(r"`(\w+)\.(\w+)[`:]", WIRING):
        assert name in type(getattr(Config(), section)).model_fields, f"{section}.{name}"


def test_the_drawing_is_a_picture() -> None:
    """The SVG parses and is the one that the page shows."""
    assert ElementTree.parse(DOCS / "wiring.svg").getroot().tag.endswith("svg")
    assert "(wiring.svg)" in WIRING


def operations() -> list[list[str]]:
    """The commands of the operators' page, without `sudo`."""
    lines = [shlex.split(told.line) for told in commands(DOCS / "operations.md")]
    return [words[1:] if words[0] == "sudo" else words for words in lines]


def parse(words: list[str]) -> None:
    """Find the command of a `smile-gate` line and its options; raises where there is none."""
    context, command, rest = click.Context(group), group, words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, command, rest = command.resolve_command(context, rest)  # type: ignore[assignment]  # raises if there is none
        context = click.Context(command, parent=context, info_name=name)
    command.make_parser(context).parse_args(list(rest))


@pytest.mark.parametrize("words", operations(), ids=" ".join)
def test_an_operators_command_is_one_that_there_is(words: list[str]) -> None:
    """Program, command and every option of the page exist."""
    if words[0] == "smile-gate":
        parse(words[1:])
    elif words[0].startswith("./systemd/"):
        script = DOCS.parent / words[0]
        said = subprocess.run(
            ["bash", script, "--help"], capture_output=True, text=True, check=True
        )
        assert all(option in said.stdout for option in words[1:])
    else:
        assert words[0] in SYSTEM


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_on_any_page_is_one_that_there_is(page: Path) -> None:
    """Pages name `smile-gate` commands and options as they are called today."""
    for told in commands(page):
        words = shlex.split(told.line, comments=True)
        if words[0] == "smile-gate" and "COMMAND" not in words:
            parse(list(itertools.takewhile(lambda word: word not in ("|", ">"), words[1:])))


def test_a_remedy_names_a_command_that_there_is() -> None:
    """An error that says which command to call says one that exists."""
    texts = [path.read_text() for path in (ROOT / "gate").rglob("*.py")]
    found = {line for text in texts for line in re.findall(r"smile-gate ([a-z -]+) --help", text)}
    assert "model train" in found
    for line in found:
        parse(line.split())
