"""The control socket's protocol: people at the machine ask and steer the running gate.

A connection carries one request and one answer, each a JSON object on a line:
``{"command": "open", "reason": "…"}`` → ``{"ok": true, …}``, or ``{"ok": false, "error": "…",
"code": "…"}`` with a line that says what to do. `gate.interfaces.control.server` answers.

A speaker steers in the name of a person: ``{"command": "open", "reason": "a pram", "for": {"name":
"anna", "device": "tablet at lane 1"}}`` is recorded as done by ``anna via page``, where ``page`` is
the user whom the kernel names.

Readers of the log get more than one line, each a JSON object:

- ``{"command": "events", "log": null, "after": 8100}`` → ``{"ok": true, "log": null, "columns":
  […]}``, then a line for each page of 500 events at most: ``{"from": 8101, "previous": "<digest of
  the event before>", "origins": {"7": [gate, boot, version, model, config, threshold]}, "events":
  [[…], …]}``, then what happens, as it happens, until the client goes. With ``"follow": false`` the
  last line is ``{"end": <number of the last event>}``. ``log`` is the identity of the log that the
  numbers are of; null takes any.
- ``{"command": "search", …}`` → one line with ``columns``, ``origins`` and ``events``; the fields
  are those of `gate.audit.query.Query`, with ``limit`` and ``newest_first``.
- ``{"command": "stats", "since": …, "until": …, "by": "day"}`` → one line.
- ``{"command": "export", …}`` → ``{"ok": true, "format": "csv"}``, then lines ``{"bytes": n}``,
  each followed by n bytes of the file, then ``{"end": {…}}`` with its manifest; the fields are
  those of a search, without the last two.

A stream that fails ends with a line of ``"ok": false``; one that ends without ``end`` was cut off.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gate.errors import ControlError, NoAnswer, NotAllowed, NotRunning
from gate.interfaces.control.peer import Peer, Role

PATIENCE_S = 2.0
"""Time that a client has for its request, and again to take the answer, s."""
LINE_LIMIT = 4096
"""Longest request, bytes."""
ANSWER_LIMIT = 1_000_000
"""Longest answer, bytes."""
Answer = dict[str, Any]


class Command(StrEnum):
    """Commands that the gate takes."""

    STATUS = "status"
    OPEN = "open"
    CLOSE = "close"
    REOPEN = "reopen"
    CLEAR_FAULT = "clear-fault"
    RELOAD = "reload"
    EVENTS = "events"
    SEARCH = "search"
    STATS = "stats"
    EXPORT = "export"


NEEDS: dict[Command, Role] = {
    Command.OPEN: Role.STEER,
    Command.CLOSE: Role.STEER,
    Command.REOPEN: Role.STEER,
    Command.CLEAR_FAULT: Role.STEER,
    Command.RELOAD: Role.STEER,
    Command.EVENTS: Role.READ,
    Command.SEARCH: Role.READ,
    Command.STATS: Role.READ,
    Command.EXPORT: Role.READ,
}
"""The role that a command needs; one that is not here is everybody's."""
SPOKEN = frozenset({Command.OPEN, Command.CLOSE, Command.REOPEN, Command.CLEAR_FAULT})
"""Commands that may be given in somebody's name, and need `Role.SPEAK` then in place of their own
role."""


_FILTERS = (
    *("since", "until", "events", "reasons", "states", "visit", "who"),
    *("score_from", "score_to", "after", "before"),
)
QUESTIONS: dict[Command, tuple[str, ...]] = {
    Command.EVENTS: ("log", "after", "follow"),
    Command.SEARCH: (*_FILTERS, "limit", "newest_first"),
    Command.STATS: ("since", "until", "by"),
    Command.EXPORT: _FILTERS,
}
"""The commands of readers, each with the fields that it takes."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A person in whose name a speaker asks: the speaker vouches for them, not the kernel."""

    name: str
    device: str | None = None
    """Where they are, such as the tablet at a lane."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command with the person who gives it."""

    command: Command
    peer: Peer
    reason: str | None = None
    principal: Principal | None = None
    question: Mapping[str, Any] = field(default_factory=dict)
    """What a reader asks, as it came: its values are not checked yet."""

    @property
    def needs(self) -> Role | None:
        """The role that the peer must have; None where everybody may ask."""
        return Role.SPEAK if self.principal is not None else NEEDS.get(self.command)

    @property
    def who(self) -> str:
        """Who did it, for the log: never a person's bare name on a speaker's word."""
        if self.principal is None:
            return self.peer.name
        return f"{self.principal.name} via {self.peer.name}"

    @property
    def why(self) -> str | None:
        """The reason for the log, with the device that it was given at."""
        device = self.principal.device if self.principal is not None else None
        return "; at ".join(part for part in (self.reason or "", device) if part) or None


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
    with _asked(path, request, wait_s) as connection, _no_answer():
        answer: Answer = json.loads(read_line(connection, ANSWER_LIMIT, wait_s))
    return _unless_refused(answer)


def stream(
    path: Path, command: Command, wait_s: float | None = 60.0, **question: Any
) -> Generator[tuple[Answer, bytes]]:
    """Ask what a reader may ask, and yield each line with the bytes that follow it, if any.

    ``wait_s`` is the patience for a line; None waits for ever, as for events to come. Closing the
    iterator ends the connection. Raises as `ask` does.
    """
    with (
        _asked(path, {"command": command} | question, wait_s) as connection,
        connection.makefile("rb") as lines,
    ):
        while True:
            with _no_answer():
                line = lines.readline()
                if not line:
                    return
                answer = json.loads(line)
                body = lines.read(answer.get("bytes", 0))
            yield _unless_refused(answer | {"ok": answer.get("ok", True)}), body


@contextmanager
def _asked(path: Path, request: Answer, wait_s: float | None) -> Iterator[socket.socket]:
    """A connection to the gate at ``path`` that has been sent the request."""
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
        yield connection


@contextmanager
def _no_answer() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ControlError) as error:
        raise NoAnswer(
            f"the gate does not answer: {error}; see: systemctl status smile-gate"
        ) from None


def _unless_refused(answer: Answer) -> Answer:
    if answer.get("ok"):
        return answer
    kind = {"not_allowed": NotAllowed, "no_answer": NoAnswer}.get(answer.get("code", ""))
    raise (kind or ControlError)(str(answer.get("error")))
