"""What the commands share that talk to the running gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gate.cli.common import FILE, json_option, say_json, settings
from gate.errors import ControlError
from gate.interfaces.control.protocol import Answer, Command, ask

_Function = TypeVar("_Function", bound=Callable[..., Any])

EXIT_CODES = """\
Exit codes: 0 done, 1 refused (the reason is said), 2 wrong call,
3 the gate is not running, 4 you may not do this, 5 the gate does not answer.
"""


def gate_options(function: _Function) -> _Function:
    """How to find the gate: ``--socket``, or ``--config`` that names its socket."""
    for option in (
        click.option("--config", type=FILE, help="The gate's settings, to find its socket."),
        click.option(
            "--socket",
            type=FILE,
            envvar="SMILE_GATE_SOCKET",
            help="The gate's control socket; /run/smile-gate/control.sock unless told.",
        ),
    ):
        function = option(function)
    return function


def socket_of(socket: Path | None, config: Path | None) -> Path:
    """The control socket to ask at. Raises `GateError`."""
    found = socket or settings(config).control.socket
    if found is None:
        raise ControlError(f"{config}: control.socket is null: this gate cannot be asked")
    return found


def steering(name: Command, text: str, words: str, *, reason: bool | None = None) -> click.Command:
    """A command that asks one thing and says the answer; ``reason``: must, may (False) or none."""

    @click.command(name, help=f"{text}\n\n{EXIT_CODES}", epilog=f"\b\nExample:\n  {words}")
    @gate_options
    @json_option
    def command(
        socket: Path | None, config: Path | None, as_json: bool, reason: str | None = None
    ) -> None:
        say(ask(socket_of(socket, config), name, reason), as_json)

    if reason is not None:
        option = click.option("--reason", required=reason, help="Why; it stands in the audit log.")
        command = option(command)
    return command


def say(answer: Answer, as_json: bool) -> None:
    """Write what the gate said."""
    if as_json:
        say_json(answer)
    else:
        click.echo(answer["said"])
