"""``smile-gate status``: the running gate on one page, readable from two metres."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from gate.cli.common import console, example, json_option, say_json
from gate.cli.operator import gate_options, socket_of
from gate.cli.status_view import view
from gate.errors import ControlError
from gate.interfaces.control.protocol import Command, ask

PAUSE_S = 1.0
"""Between two looks of ``--watch``."""


@example("smile-gate status --watch")
@click.command("status")
@gate_options
@json_option
@click.option("--watch", is_flag=True, help="Show it anew each second, until Ctrl-C.")
def command(socket: Path | None, config: Path | None, as_json: bool, watch: bool) -> None:
    """Show how the gate is: why it does not open, how each part is, and what to do.

    Exit codes: 0 running and well (a closed lane is well too), 1 a part at fault or an
    emergency, 2 wrong call, 3 not running, 4 not allowed, 5 it does not answer.
    """
    path = socket_of(socket, config)
    if watch:
        _watch(path, as_json)
        return
    status = _look(path)
    if as_json:
        say_json(status)
    else:
        screen = console()
        screen.print(view(status, on_screen=screen.is_terminal))
    if not status["well"]:
        raise SystemExit(1)


def _look(path: Path) -> dict[str, Any]:
    status: dict[str, Any] = ask(path, Command.STATUS)["status"]
    return status


def _watch(path: Path, as_json: bool) -> None:
    """Look again and again, also while the gate restarts; line after line where no screen is."""
    screen = console()
    try:
        if as_json:
            while True:
                try:
                    say_json(_look(path))
                except ControlError as error:
                    say_json({"well": False, "error": str(error)})
                time.sleep(PAUSE_S)
        if not screen.is_terminal:
            while True:
                screen.print(_glance(path, on_screen=False))
                time.sleep(PAUSE_S)
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            while True:
                live.update(_glance(path), refresh=True)
                time.sleep(PAUSE_S)
    except KeyboardInterrupt:
        return


def _glance(path: Path, *, on_screen: bool = True) -> RenderableType:
    """The page of now, or the reason why there is none."""
    try:
        return view(_look(path), on_screen=on_screen)
    except ControlError as error:
        return Text(str(error), "bold red")
