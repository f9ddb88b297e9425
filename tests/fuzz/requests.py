"""Bytes at the control socket, from somebody of every role; the first byte says of which."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from gate.audit import Store
from gate.audit.answers import Head, answer
from gate.errors import GateError
from gate.interfaces.control.peer import Credentials, Peer, Role
from gate.interfaces.control.protocol import (
    LINE_LIMIT,
    NEEDS,
    QUESTIONS,
    Command,
    Request,
    read_line,
)
from gate.interfaces.control.refusals import Refusals
from gate.interfaces.control.request import understand
from gate.service.queries import LogFeed, Queries, Stamp
from tests.fuzz.target import Target, corpus, edited, expect_a_line, revalued
from tests.logs import Clock, face_seen, granted, left

ROLES = (None, *Role)
STRANGER = Credentials(1, 65_000, 65_000)
STEERING = frozenset(command for command, role in NEEDS.items() if role is Role.STEER)
CHUNKS = 8
"""Chunks of a stream that are looked at; one that follows the log has no end."""


class QuietFeed(LogFeed):
    """Says at once that nothing new came."""

    def wait(self, stamp: Stamp, timeout_s: float) -> bool:
        return False


class Here:
    """Answers in this process what the query process would."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, question: Mapping[str, Any]) -> tuple[Head, bytes]:
        return answer(self._store.session, json.loads(json.dumps(question)))


@cache
def log_of_a_day() -> tuple[Store, TemporaryDirectory[str]]:
    """A small log, opened for reading; the folder is gone with the process."""
    folder = TemporaryDirectory(prefix="smile-gate-fuzz-")
    path = Path(folder.name) / "audit.db"
    with Store.open(path, now=Clock()) as store:
        for visit in range(1, 20):
            store.record([face_seen(visit), left(visit) if visit % 2 else granted(visit)])
    return Store.open(path, read_only=True), folder


def objects() -> list[dict[str, Any]]:
    """A request of every form."""
    whole: list[dict[str, Any]] = [{"command": command, "reason": "a pram"} for command in Command]
    asked: list[dict[str, Any]] = [
        {"command": "open", "reason": "a pram", "for": {"name": "anna", "device": "tablet"}},
        {"command": "events", "log": None, "after": 3, "follow": False},
        {"command": "search", "events": ["granted"], "who": "anna", "limit": 5, "states": ["idle"]},
        {"command": "search", "since": "2026-05-01T00:00:00+02:00", "score_from": 0.5, "visit": 3},
        {"command": "stats", "since": "2026-05-01T00:00:00+00:00", "by": "hour"},
        {"command": "export", "visit": 3, "after": 2},
    ]
    return [*whole, *asked]


def inputs() -> st.SearchStrategy[bytes]:
    """Lines of every form, harmed as text and as values, each from somebody of some role."""
    lines = [json.dumps(fields).encode() + b"\n" for fields in objects()]
    roles = st.integers(0, len(ROLES) - 1).map(lambda number: bytes([number]))
    valued = revalued(objects()).map(lambda line: line + b"\n")
    said = edited([*lines, *corpus("requests")], WORDS) | valued
    return st.tuples(roles, said).map(b"".join)


def check(_folder: Path, data: bytes) -> None:
    """Only what the bytes say is carried out, for a role that may; all else is one line."""
    role = ROLES[data[0] % len(ROLES)] if data else None
    peer = Peer("somebody", frozenset([role] if role else []))
    request = understood(data[1:], peer)
    if request is None:
        return
    said = json.loads(data[1:].partition(b"\n")[0])
    assert said["command"] == request.command
    if request.command in STEERING:
        spoken = said.get("for") is not None
        assert role is (Role.SPEAK if spoken else Role.STEER), "steered without the role"
        assert spoken <= (" via " in request.who)
        assert f"{request.who}{request.why or ''}".isprintable()
    elif request.command in QUESTIONS:
        assert role is Role.READ, "read the log without the role"
        read(request)


def understood(raw: bytes, peer: Peer) -> Request | None:
    """The request that the server would carry out; None where it refuses in one line."""
    ours, theirs = socket.socketpair()
    try:
        with ours, theirs:
            theirs.sendall(raw[: 2 * LINE_LIMIT])
            theirs.shutdown(socket.SHUT_WR)
            request = understand(read_line(ours, LINE_LIMIT, 30.0), peer)
        Refusals({}).check(request, STRANGER, 0.0)
    except GateError as error:
        expect_a_line(error)
        return None
    return request


def read(request: Request) -> None:
    """Take the first chunks of the answer."""
    queries = Queries(Here(log_of_a_day()[0]), QuietFeed(Path("none")), lambda _who, _what: None)  # type: ignore[arg-type]  # asks in this process
    try:
        for chunk in islice(queries.answer(request), CHUNKS):
            if chunk and request.command is not Command.EXPORT:
                json.loads(chunk)
    except GateError as error:
        expect_a_line(error)


WORDS = [
    b'"for":',
    b'{"name":',
    b'"after":',
    b'"open"',
    b"null",
    b"1e999",
    b"-1",
    b"NaN",
    b"[" * 99,
]
WORDS += [b'"\\ud800"', b'"\\u0000"', b"9" * 5000, b"\xff", b"\n", b'"2026-05-01T00:00:00+00:00"']

REQUESTS = Target(
    "requests",
    "nothing is done without its role, and whatever makes no sense is refused in one line",
    300_000,
    inputs(),
    check,
)
