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
from gate.cli.states import diagram
from gate.config import Config
from gate.core.domain import Reason
from tests.pages import commands

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("*.md"), *(ROOT / "models").glob("*.md"), ROOT / "README.md"]
SYSTEM = {"chown", "install", "journalctl", "sh", "systemctl", "tar", "usermod"}
"""What every Debian has."""
BOARD = {"nano", "rpicam-hello", "rpicam-still", "timedatectl"}
"""What Raspberry Pi OS has besides, or the shell."""
BY_HAND = ["wiring.md", "operations.md", "first-day.md", "troubleshooting.md", "data-protection.md"]
"""Pages that tell people what to set."""
SECTIONS = "|".join(Config.model_fields)
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


@pytest.mark.parametrize("page", BY_HAND)
def test_the_settings_that_are_named_exist(page: str) -> None:
    """`section.setting` in a page is a setting of the file."""
    text = (DOCS / page).read_text()
    for section, name in re.findall(rf"`({SECTIONS})\.(\w+)[`:]", text):
        assert name in type(getattr(Config(), section)).model_fields, f"{section}.{name}"


@pytest.mark.parametrize("page", ["wiring.md", "first-day.md", "data-protection.md"])
def test_a_drawing_is_a_picture(page: str) -> None:
    """The SVG parses and is one that its page shows."""
    drawings = re.findall(r"!\[[^]]+\]\(([\w-]+\.svg)\)", (DOCS / page).read_text())
    assert drawings
    for drawing in drawings:
        assert ElementTree.parse(DOCS / drawing).getroot().tag.endswith("svg")


def test_the_sign_says_what_its_page_says() -> None:
    """Each sentence of the five languages is on the sign that is printed."""
    page = (DOCS / "data-protection.md").read_text().partition("## The sign")[2]
    root = ElementTree.parse(DOCS / "sign.svg").getroot()
    sign = " ".join("".join(root.itertext()).split())
    languages = re.findall(r"^\*\*\w+\.\*\* (.*?)(?=\n\n|\Z)", page, re.DOTALL | re.MULTILINE)
    assert len(languages) == 5
    for words in languages:
        *sentences, asks = re.split(r"(?<=\.) ", " ".join(words.split()).replace("…", "____"))
        assert re.split(r" ?:", asks)[0] in sign
        for sentence in sentences:
            assert sentence in sign, sentence


def test_the_picture_of_the_states_is_made_from_the_table() -> None:
    """`smile-gate states --mermaid` is the picture on the page of the states."""
    picture = re.search(r"```mermaid\n(.*?)```", (DOCS / "states.md").read_text(), re.DOTALL)
    assert picture is not None
    assert picture[1].strip() == diagram().strip()


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
        words = words[1:] if words[0] == "sudo" else words
        if words[0] == "smile-gate" and "COMMAND" not in words:
            parse(list(itertools.takewhile(lambda word: word not in ("|", ">"), words[1:])))


@pytest.mark.parametrize("page", ["first-day.md", "troubleshooting.md", "data-protection.md"])
def test_a_page_for_hands_names_programs_that_a_pi_has(page: str) -> None:
    """Every other command is the system's own, or a script of this project."""
    told = commands(DOCS / page)
    assert len(told) >= 4
    for line in (one.line for one in told):
        words = shlex.split(line, comments=True)
        words = words[1:] if words[0] == "sudo" else words
        if words[0].startswith("./"):
            assert (ROOT / words[0]).exists(), line
        else:
            assert words[0] == "smile-gate" or words[0] in SYSTEM | BOARD, line


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_that_keeps_a_guest_out_is_found_by_its_symptom(reason: Reason) -> None:
    """Whoever sees a code in `status` or in the log finds it on the page of symptoms."""
    assert f"`{reason}`" in (DOCS / "troubleshooting.md").read_text()


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can name: its headings, in small letters with dashes."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_to_a_heading_leads_to_one(page: Path) -> None:
    """What stands behind the ``#`` of a link is a heading of the page that it names."""
    for file, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / file if file else page), f"{file}#{anchor}"


def test_a_remedy_names_a_command_that_there_is() -> None:
    """An error that says which command to call says one that exists."""
    texts = [path.read_text() for path in (ROOT / "gate").rglob("*.py")]
    found = {line for text in texts for line in re.findall(r"smile-gate ([a-z -]+) --help", text)}
    assert "model train" in found
    for line in found:
        parse(line.split())
