"""The page of `smile-gate status`, made from what the daemon says."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from gate.cli.common import PLAIN, console
from gate.cli.status_view import view
from gate.core.domain import EventKind, Reason
from gate.core.explain import Why
from gate.interfaces.status import Failure, LaneOrder, RecentEvent
from tests.doctor.patients import CAMERA_LOST, status


def shown(said: dict[str, Any]) -> str:
    screen = Console(file=io.StringIO(), width=160, **PLAIN)
    screen.print(view(said))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_in_a_pipe_nothing_is_padded(capsys: pytest.CaptureFixture[str]) -> None:
    """No line ends in blanks or begins with a screen's worth of them; the state comes first."""
    console().print(view(status(why=Why("too_dark", "it is too dark")), on_screen=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("IDLE  ")
    assert [line for line in lines if line != line.rstrip()] == []
    assert all(len(line) - len(line.lstrip()) <= 4 for line in lines)


def test_the_page_says_why_in_the_daemon_s_words() -> None:
    """The sentence and its remedy are those of the daemon, not the page's own."""
    page = shown(status(why=Why("too_dark", "it is far too dark", "light a candle")))
    assert "it is far too dark" in page
    assert "→ light a candle" in page


def test_every_fault_has_its_remedy() -> None:
    """A second part at fault is told with what to do about it, as the first."""
    camera = Why("fault_camera", "the camera is gone", "check cable and camera.source")
    full = Failure(Reason.FAULT_STORE, "the disk is full", 3.0)
    page = shown(status(CAMERA_LOST, full, why=camera))
    assert page.count("check cable and camera.source") == 1
    assert "check the card and its free space" in page


def test_words_of_people_are_shown_as_they_are() -> None:
    """What looks like markup neither ends the page nor vanishes from it, wherever it stands."""
    words = "[/x] [bold]cleaning[/bold] :smile:"
    order = LaneOrder(False, (Reason.OPERATOR,), who="[/anna]", why=words)
    event = RecentEvent(EventKind.LANE_CLOSED, datetime(2026, 5, 1, tzinfo=UTC), 3.0, words)
    said = status(lane=order, events=(event,), gate="[/gate]")
    said["log"]["path"] = "/[/log]"
    page = shown(said)
    assert page.count(words) == 2
    assert "[/anna]" in page
    assert "[/gate]" in page
    assert "/[/log]" in page


def test_a_gate_of_another_version_is_shown_too() -> None:
    """Between an upgrade and the restart, the command and the gate are not the same age."""
    said = status(CAMERA_LOST)
    del said["why"]
    assert "check cable and camera.source" in shown(said)
    said["faults"][0]["part"] = "fault_of_tomorrow"
    assert "see journalctl -u smile-gate" in shown(said)
