"""From the bytes that a client sent to a `Request`; whatever makes no sense is refused."""

from __future__ import annotations

import json
from typing import Any

from gate.errors import ControlError
from gate.interfaces.control.peer import Peer
from gate.interfaces.control.protocol import QUESTIONS, SPOKEN, Command, Principal, Request

REASON_LIMIT = 200
"""Longest reason of an operator, characters."""
NAME_LIMIT = 64
"""Longest name of a person or a device, characters."""


def understand(line: bytes, peer: Peer) -> Request:
    """The request of a line. Raises `ControlError` for one that makes no sense."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise _unexpected()
    command = fields.pop("command", None)
    if command not in list(Command):
        raise ControlError(f"the commands are {', '.join(Command)}")
    reason, principal = fields.pop("reason", None), fields.pop("for", None)
    question = {name: fields.pop(name) for name in QUESTIONS.get(command, ()) if name in fields}
    if fields:
        raise _unexpected()
    request = Request(
        Command(command),
        peer,
        _text(reason, REASON_LIMIT, "a reason"),
        None if principal is None else _principal(principal),
        question,
    )
    if request.principal is not None and request.command not in SPOKEN:
        raise ControlError(f"'for' goes with {', '.join(sorted(SPOKEN))} only")
    if request.command is Command.OPEN and request.reason is None:
        raise ControlError("say why: the log needs a reason for a guest who is let in by hand")
    return request


def _principal(value: object) -> Principal:
    if not isinstance(value, dict) or value.keys() - {"name", "device"}:
        raise ControlError('\'for\' is like {"name": "anna", "device": "tablet at lane 1"}')
    name = _text(value.get("name"), NAME_LIMIT, "the name in 'for'")
    if name is None:
        raise ControlError("'for' needs a name")
    return Principal(name, _text(value.get("device"), NAME_LIMIT, "the device in 'for'"))


def _text(value: Any, limit: int, what: str) -> str | None:
    """The text on one line, without signs that steer a terminal; None for an empty one."""
    if value is not None and (not isinstance(value, str) or len(value) > limit):
        raise ControlError(f"{what} is a text of {limit} characters at most")
    words = "".join(sign if sign.isprintable() else " " for sign in value or "").split()
    return " ".join(words) or None


def _unexpected() -> ControlError:
    return ControlError('expected one line like {"command": "status"}')
