"""The control socket against clients of every kind."""

from __future__ import annotations

import json
import os
import pwd
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from gate.errors import AnotherGate, ControlError, NoAnswer, NotAllowed, NotRunning
from gate.interfaces.control import server as module
from gate.interfaces.control.peer import Credentials, Peer
from gate.interfaces.control.protocol import LINE_LIMIT, Answer, Command, Request, ask
from gate.interfaces.control.server import CLIENTS, Server
from tests.waiting import PATIENCE_S

STRANGER = Credentials(1, 65_000, 65_000)
"""A user and a group that no system here has."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends nobody away for being slow, as on a busy machine everybody is."""
    monkeypatch.setattr(module, "PATIENCE_S", PATIENCE_S)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


class Desk:
    """Answers with what was asked, and keeps it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        return {"said": f"{request.command} {request.reason}"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def serve(path: Path, desk: Desk) -> Iterator[Callable[..., Server]]:
    """Start a server at the path; ``who`` may stand in for the kernel."""
    with ExitStack() as stack:

        def start(
            answer: Callable[[Request], Answer] = desk, who: Credentials | None = None
        ) -> Server:
            options = {} if who is None else {"who": lambda _: who}
            server = Server(path, "no-such-group", answer, **options)
            stack.callback(server.close)
            server.start()
            return server

        yield start


def say(path: Path, raw: bytes) -> Answer:
    """Send these bytes, and read the answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        with suppress(BrokenPipeError):  # it was sent away already, and the answer says why
            connection.sendall(raw)
        with connection.makefile("rb") as lines:
            answer: Answer = json.loads(lines.readline())
    return answer


def test_a_question_is_answered(path: Path, desk: Desk, serve: Callable[..., Server]) -> None:
    """One object on a line each way; the kernel says who asked."""
    serve()
    assert ask(path, Command.OPEN, "a pram")["said"] == "open a pram"
    (request,) = desk.requests
    assert request.peer == Peer(pwd.getpwuid(os.getuid()).pw_name, may_steer=True)


def test_a_stranger_may_look_and_not_steer(
    path: Path, desk: Desk, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Everybody gets a status; what moves the gate is refused, and the journal says who tried."""
    serve(who=STRANGER)
    assert ask(path, Command.STATUS)["ok"]
    for command in set(Command) - {Command.STATUS}:
        with pytest.raises(NotAllowed, match="usermod -aG no-such-group"):
            ask(path, command, "please")
    assert [request.command for request in desk.requests] == [Command.STATUS]
    assert "refused: open by uid 65000" in caplog.text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"open sesame\n", "expected one line like"),
        (b"\xff\xfe\n", "expected one line like"),
        (b"[" * 4000 + b"\n", "expected one line like"),
        (b'["open"]\n', "expected one line like"),
        (b'{"command": "open", "who": "root"}\n', "expected one line like"),
        (b'{"command": "explode"}\n', "the commands are status, open"),
        (b'{"command": ["open"]}\n', "the commands are"),
        (b'{"command": "open"}\n', "say why"),
        (b'{"command": "open", "reason": " \\n\\t "}\n', "say why"),
        (b'{"command": "open", "reason": 7}\n', "a reason is a text"),
        (b'{"command": "close", "reason": "' + b"x" * 201 + b'"}\n', "200 characters"),
        (b"x" * (LINE_LIMIT + 1), "4096 bytes at most"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    path: Path, desk: Desk, serve: Callable[..., Server], raw: bytes, said: str
) -> None:
    """Whatever comes, the answer is a line that says what is wrong, and nothing is done."""
    serve()
    answer = say(path, raw)
    assert not answer["ok"]
    assert said in answer["error"]
    assert desk.requests == []
    assert ask(path, Command.STATUS)["ok"]


def test_a_reason_cannot_forge_a_line_of_the_journal(
    path: Path, desk: Desk, serve: Callable[..., Server]
) -> None:
    """Line ends and control characters become spaces."""
    serve()
    ask(path, Command.OPEN, "a pram\nCRITICAL: \x1b[31mfire\0")
    assert desk.requests[0].reason == "a pram CRITICAL: [31mfire"


def test_a_silent_client_is_sent_away(
    path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says nothing, or half a line, loses his place after a while."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    serve()
    assert "no whole line" in say(path, b"")["error"]
    assert "no whole line" in say(path, b'{"command": "sta')["error"]


def test_a_client_that_is_gone_harms_nobody(path: Path, serve: Callable[..., Server]) -> None:
    """Connections that end before their question or their answer leave the next one served."""
    serve()
    for raw in (b"", b'{"command"', b'{"command": "status"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(raw)
    assert ask(path, Command.STATUS)["ok"]


def test_one_user_cannot_take_all_places(path: Path, desk: Desk) -> None:
    """One connection too many of one user is told to wait; somebody else is served meanwhile."""
    users = iter([*[STRANGER] * (CLIENTS // 4 + 1), Credentials(1, 0, 0)])
    with closing(Server(path, "no-such-group", desk, who=lambda _: next(users))) as server:
        server.start()
        held = [socket.socket(socket.AF_UNIX) for _ in range(CLIENTS // 4)]
        for connection in held:
            connection.connect(str(path))
        with pytest.raises(ControlError, match="busy"):
            ask(path, Command.STATUS)
        assert ask(path, Command.STATUS)["ok"]
        for connection in held:
            connection.close()


def test_what_fails_inside_is_an_answer(path: Path, serve: Callable[..., Server]) -> None:
    """A refusal is told with its reason, a bug as one line, and the server goes on."""
    failures = iter([NoAnswer("its loop is busy"), ControlError("not now"), ValueError("secret")])

    def fail(_: Request) -> Answer:
        raise next(failures)

    serve(fail)
    with pytest.raises(NoAnswer, match="its loop is busy"):
        ask(path, Command.STATUS)
    with pytest.raises(ControlError, match="not now"):
        ask(path, Command.STATUS)
    with pytest.raises(ControlError, match="see its journal"):
        ask(path, Command.STATUS)


def test_a_live_gate_keeps_its_socket(path: Path, serve: Callable[..., Server]) -> None:
    """A second gate gets one clear error, and the first is asked as before."""
    serve()
    with pytest.raises(AnotherGate, match="a gate is running already"):
        Server(path, "no-such-group", Desk())
    assert ask(path, Command.STATUS)["ok"]


def test_a_dead_gate_s_socket_is_replaced(path: Path, serve: Callable[..., Server]) -> None:
    """What a killed gate left behind is in nobody's way."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    serve()
    assert ask(path, Command.STATUS)["ok"]


def test_a_file_in_the_way_is_not_deleted(path: Path) -> None:
    """Only a socket is ever replaced."""
    path.write_text("the accounts of 2019")
    with pytest.raises(ControlError, match="is no socket"):
        Server(path, "no-such-group", Desk())
    assert path.read_text() == "the accounts of 2019"


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    """The remedy is in the message."""
    with pytest.raises(ControlError, match="RuntimeDirectory="):
        Server(tmp_path / "none" / "control.sock", "no-such-group", Desk())


def test_everybody_may_connect_and_the_socket_goes_with_its_gate(
    path: Path, serve: Callable[..., Server]
) -> None:
    """Permission is by credentials; a closed server leaves no socket, and closes twice."""
    server = serve()
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    server.close()
    server.close()
    assert not path.exists()
    with pytest.raises(NotRunning, match="systemctl start smile-gate"):
        ask(path, Command.STATUS)


def test_a_gate_that_hangs_is_told_from_one_that_is_not_there(path: Path) -> None:
    """A socket that nobody serves answers with 'does not answer' after the client's patience."""
    with closing(Server(path, "no-such-group", Desk())), pytest.raises(NoAnswer):
        ask(path, Command.STATUS, wait_s=0.05)
