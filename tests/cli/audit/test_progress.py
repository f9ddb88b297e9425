"""Bars for long work on a log: seen where somebody waits at a terminal, and nowhere else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gate.audit import Query, Store
from gate.audit.watch import unwatched
from gate.cli.audit import command, list_events
from gate.cli.audit.progress import shown

UP = "\x1b[1A"
"""What takes a bar away again: the cursor goes back over it."""


def audit(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small log has several pages, as a long one."""
    for module in ("reader", "export", "verify.export"):
        monkeypatch.setattr(f"gate.audit.{module}.PAGE", 5)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is one."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("pages", "terminal")
def test_long_work_shows_how_far_it_is(busy: Store, path: Path, tmp_path: Path) -> None:
    """Export, verification of both kinds, and JSON lines; the output itself has nothing of it."""
    target = tmp_path / "out.csv"
    for words, says in (
        (("export", target, "--no-record"), "exporting"),
        (("verify",), "comparing times and counts"),
        (("list", "--json"), "reading"),
    ):
        result = audit(*words, "--database", path)
        assert result.exit_code == 0, result.output
        assert says in result.stderr
        assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) == 21
    result = audit("verify", "--database", target)
    assert "following the chain" in result.stderr
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("pages")
def test_where_nobody_waits_nothing_is_shown(busy: Store, path: Path, tmp_path: Path) -> None:
    """A nightly job's mail has no bars in it."""
    for words in (("export", tmp_path / "out.csv"), ("verify",), ("list", "--json")):
        assert audit(*words, "--database", path).stderr == ""


@pytest.mark.usefixtures("terminal")
def test_lines_on_the_screen_have_no_bar_between_them(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines themselves show that it goes on."""

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Screen())
    with list_events._bar() as watch:
        assert watch is None


def screen() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("total", [None, 0, 100, 10**400, -3])
def test_any_total_can_be_shown(total: int | None) -> None:
    """Also one that nobody knows, and what a damaged file says of itself; it is gone at the end."""
    console = screen()
    with shown(console) as watch:
        watch("at first", 0, total)
        for done in (50, 60, 70):  # a pace is known after the second
            watch("following the chain", done, total)
    assert "following the chain" in written(console)
    assert written(console).endswith(("\x1b[2K", UP, "\x1b[?25h"))


def test_no_terminal_no_watcher() -> None:
    """Nothing is drawn, and nothing computed for it."""
    console = Console(file=io.StringIO())
    with shown(console) as watch:
        assert watch is unwatched
    assert written(console) == ""


def test_a_search_tells_how_far_in_the_log_it_is(
    busy: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From either end, between the first event that can match and the last."""
    monkeypatch.setattr("gate.audit.reader.PAGE", 5)
    for newest_first in (False, True):
        told: list[tuple[int, int | None]] = []
        found = busy.search(
            Query(after=1),
            newest_first=newest_first,
            watch=lambda _, done, total, told=told: told.append((done, total)),  # type: ignore[misc]
        )
        assert len(list(found)) == 20
        assert told == [(4, 19), (9, 19), (14, 19), (19, 19)]


def test_the_export_that_is_shown_is_the_one_that_is_made(
    busy: Store, path: Path, tmp_path: Path
) -> None:
    """The manifest is what it is without a bar."""
    audit("export", tmp_path / "out.csv", "--no-record", "--database", path)
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    assert (manifest["events"], manifest["first"], manifest["last"]) == (21, 1, 21)
