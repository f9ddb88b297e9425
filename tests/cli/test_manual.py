"""The man page and the bash completion: made from the commands, and good at what they do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gate.cli import SECTIONS, group
from gate.cli.completion import script
from gate.cli.manual import page, roff, walk
from gate.core.domain import Reason

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "smile-gate.1"
SCRIPT = ROOT / "systemd" / "smile-gate.bash-completion"

PATHS = [context.command_path for context in walk(group)]


def complete(line: str, folder: Path) -> set[str]:
    """What a press of Tab offers at the end of the line."""
    words = line.split(" ")
    command = (
        f'source "{SCRIPT}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _smile_gate;'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    run = subprocess.run(
        ["bash", "--norc", "-c", command, "bash", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    return set(run.stdout.split())


def test_the_page_is_made_from_the_commands_of_today() -> None:
    """Whoever changes a command's help runs `make docs`."""
    assert PAGE.read_text() == page(), "run `make docs`"


def test_the_completion_is_made_from_the_commands_of_today() -> None:
    """Whoever adds an option runs `make docs`."""
    assert SCRIPT.read_text() == script(), "run `make docs`"


@pytest.mark.parametrize("path", PATHS[1:])
def test_every_command_has_a_section_with_an_example(path: str) -> None:
    """A technician without a network finds each command in `man smile-gate`."""
    _, _, section = PAGE.read_text().partition(f".SS {roff(path)} ")
    assert f"\n{roff(path)}" in section.partition(".SS")[0]


def test_the_page_describes_the_program_before_its_commands() -> None:
    """What it is, in paragraphs: man-pages(7) wants a DESCRIPTION."""
    text = PAGE.read_text()
    _, _, described = text.partition("\n.SH DESCRIPTION\n")
    described, _, rest = described.partition("\n.SH ")
    assert "turnstile" in described
    assert described.count(".PP") >= 2
    assert ".SS smile" in rest


def test_no_mark_for_click_is_shown() -> None:
    """A backspace that asks click to leave lines alone stays unseen."""
    assert not [context.command_path for context in walk(group) if "\\b" in context.get_help()]


def test_text_cannot_be_taken_for_a_macro() -> None:
    """Nothing of a help text is read as roff."""
    assert roff(".TH is no\\n macro …") == "\\&.TH is no\\en macro \\[u2026]"


def test_man_has_nothing_to_warn_of() -> None:
    """The page is good roff, where man-db is there to say so."""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    command = ["man", "--warnings", "-E", "UTF-8", "-l", str(PAGE)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if "groff" in run.stderr and "No such file" in run.stderr:
        pytest.skip("groff is not installed")
    assert run.returncode == 0
    assert run.stderr == ""


def test_mandoc_has_nothing_to_warn_of() -> None:
    """The page is portable; it carries the version where others have a date."""
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    command = ["mandoc", "-T", "lint", "-W", "warning", str(PAGE)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = run.stdout.splitlines()
    assert [line for line in lines if "missing date" not in line] == []


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("smile-gate ", {name for names in SECTIONS.values() for name in names}),
        ("smile-gate se", {"segments", "setup"}),
        ("smile-gate audit ba", {"backup"}),
        ("smile-gate audit list --ev", {"--event"}),
        ("smile-gate audit list --event gr", {"granted", "grant_lapsed"}),
        ("smile-gate audit list --event = gr", {"granted", "grant_lapsed"}),
        ("smile-gate audit list --reason =", set(Reason)),
        ("smile-gate audit list --who ", set()),
        ("smile-gate audit export --format p", {"parquet"}),
        ("smile-gate audit top h", {"hours"}),
        ("smile-gate replay g", {"gate.yaml"}),
        ("smile-gate replay --config ga", {"gate.yaml"}),
        ("smile-gate audit backup ", {"copies"}),
    ],
)
def test_tab_offers_what_fits(line: str, offers: set[str], tmp_path: Path) -> None:
    """Commands, options, the values of a choice, files, folders; nothing where all is free."""
    (tmp_path / "gate.yaml").touch()
    (tmp_path / "copies").mkdir()
    assert complete(line, tmp_path) == offers


def test_tab_starts_no_python(tmp_path: Path) -> None:
    """The script needs nothing but bash: a Pi answers at once."""
    command = f'source "{SCRIPT}"; COMP_WORDS=(smile-gate ""); COMP_CWORD=1; _smile_gate'
    subprocess.run([shutil.which("bash") or "bash", "-c", command], env={"PATH": ""}, check=True)


def test_shellcheck_finds_nothing() -> None:
    """The generated script is good bash."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    subprocess.run(["shellcheck", "--shell", "bash", str(SCRIPT)], check=True)
