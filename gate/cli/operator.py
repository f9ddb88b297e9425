"""The operator's commands: each asks the running gate for one thing and says its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from gate.cli.common import FILE, example, json_option, say_json, settings
from gate.errors import ControlError
from gate.interfaces.control.protocol import Command, ask

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask for, and the help of its command."""

    name: Command
    help: str
    example: str
    reason: Literal["required", "optional", "none"] = "none"
    """May the operator say why, or must they?"""


REQUESTS = (
    Request(
        Command.OPEN,
        "Open the gate for one guest; the audit log says who did it, and why.",
        'smile-gate open --reason "guest in a wheelchair"',
        reason="required",
    ),
    Request(
        Command.CLOSE,
        "Close the lane until `smile-gate reopen`, whatever the hours, also after a restart.",
        'smile-gate close --reason "the ride stands still"',
        reason="optional",
    ),
    Request(
        Command.REOPEN,
        "Take `smile-gate close` back: opening hours and key switch decide again.",
        'smile-gate reopen --reason "the floor is dry"',
        reason="optional",
    ),
    Request(
        Command.CLEAR_FAULT,
        "End an emergency whose contact is at rest again, or the pause after several crashes."
        " Other faults end by themselves once the part works.",
        "smile-gate clear-fault --json",
    ),
    Request(
        Command.RELOAD,
        "Have the running gate read its configuration anew. All changes are applied, or none: a"
        " file with a mistake is refused, and so is a change that needs a restart.",
        "smile-gate reload --json",
    ),
)
EXIT_CODES = """\
Exit codes: 0 done, 1 refused, or done and not kept (the reason is said), 2 wrong call,
3 the gate is not running, 4 you may not do this, 5 the gate does not answer.
"""


def gate_options(function: _Function) -> _Function:
    """Give a command ``--socket``, and ``--config`` that names the socket: which gate to ask."""
    for option in (
        click.option("--config", type=FILE, help="Settings of the gate, to find its socket."),
        click.option(
            "--socket",
            type=FILE,
            envvar="SMILE_GATE_SOCKET",
            help="Control socket of the gate; /run/smile-gate/control.sock unless told.",
        ),
    ):
        function = option(function)
    return function


def socket_of(socket: Path | None, config: Path | None) -> Path:
    """The control socket to ask at. Raises `GateError`."""
    found = socket or settings(config).control.socket
    if found is None:
        raise ControlError(
            f"{config}: control.socket is null: this gate cannot be asked; name a socket there"
        )
    return found


def _made(request: Request) -> click.Command:
    """The command that makes the request."""

    @example(request.example)
    @click.command(request.name, help=f"{request.help}\n\n{EXIT_CODES}")
    @gate_options
    @json_option
    def command(
        socket: Path | None, config: Path | None, as_json: bool, reason: str | None = None
    ) -> None:
        answer = ask(socket_of(socket, config), request.name, reason)
        if as_json:
            say_json(answer)
        else:
            click.echo(answer["said"])
        if answer.get("kept") is False:
            raise SystemExit(1)

    if request.reason != "none":
        required = request.reason == "required"
        why = click.option(
            "--reason", required=required, help="Why: it is written into the audit log."
        )
        command = why(command)
    return command


commands: dict[str, click.Command] = {request.name: _made(request) for request in REQUESTS}
"""The commands by their names."""
