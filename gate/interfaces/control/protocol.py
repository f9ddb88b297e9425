"""The control socket's protocol: people at the machine ask and steer the running gate.

A connection carries one request and one answer, each a JSON object on a line:
``{"command": "open", "reason": "…"}`` → ``{"ok": true, …}``, or ``{"ok": false, "error": "…",
"code": "…"}`` with a line that says what to do. `gate.interfaces.control.server` answers.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.errors import ControlError, NoAnswer, NotAllowed, NotRunning

if TYPE_CHECKING:
    from gate.interfaces.control.peer import Peer

PATIENCE_S = 2.0
"""Time that a client has for its request, and again to take the answer, s."""
LINE_LIMIT = 4096
"""Longest request, bytes."""
ANSWER_LIMIT = 1_000_000
"""Longest answer, bytes."""
REASON_LIMIT = 200
"""Longest reason of an operator, characters."""
Answer = dict[str, Any]


class Command(StrEnum):
    """Commands that the gate takes."""

    STATUS = "status"
    OPEN = "open"
    CLOSE = "close"
    REOPEN = "reopen"
    CLEAR_FAULT = "clear-fault"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class Request:
    """A command with the person who gives it."""

    command: Command
    peer: Peer
    reason: str | None = None


def read_line(connection: socket.socket, limit: int, patience_s: float) -> bytes:
    """Read one line, and return it without its end. Raises `ControlError` if late or too long."""
    until = time.monotonic() + patience_s
    line = b""
    while b"\n" not in line:
        left = until - time.monotonic()
        if left <= 0:
            raise ControlError(f"no whole line within {patience_s:g} s")
        connection.settimeout(left)
        try:
            part = connection.recv(65536)
        except TimeoutError:
            continue
        if not part:
            raise ControlError("the connection ended before a whole line")
        line += part
        if len(line) > limit:
            raise ControlError(f"a line may have {limit} bytes at most")
    return line.partition(b"\n")[0]


def ask(path: Path, command: Command, reason: str | None = None, wait_s: float = 15.0) -> Answer:
    """Ask the gate at ``path``, and return its answer.

    Raises `NotRunning`, `NotAllowed`, `NoAnswer`, or `ControlError` with the gate's own refusal.
    """
    request = {"command": command} | ({"reason": reason} if reason is not None else {})
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(wait_s)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NotRunning(
                f"not running: no gate at {path}; start it: sudo systemctl start smile-gate"
            ) from None
        except PermissionError:
            raise NotAllowed(f"{os.fspath(path)} may not be opened; try it with sudo") from None
        except OSError as error:
            raise NoAnswer(f"the gate does not answer: {error}") from None
        with suppress(BrokenPipeError):  # refused at once, and the answer says why
            connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            answer: Answer = json.loads(read_line(connection, ANSWER_LIMIT, wait_s))
        except (OSError, ValueError, ControlError) as error:
            raise NoAnswer(
                f"the gate does not answer: {error}; see: systemctl status smile-gate"
            ) from None
    if answer.get("ok"):
        return answer
    kind = {"not_allowed": NotAllowed, "no_answer": NoAnswer}.get(answer.get("code", ""))
    raise (kind or ControlError)(str(answer.get("error")))
