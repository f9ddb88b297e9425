"""The control socket against clients of every kind."""

from __future__ import annotations

import grp
import json
import os
import pwd
import socket
import stat
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, suppress
from itertools import count
from pathlib import Path

import pytest

from gate.errors import AnotherGate, ControlError, NoAnswer, NotAllowed, NotRunning
from gate.interfaces.control import server as module
from gate.interfaces.control.peer import Credentials, Peer, Role, credentials
from gate.interfaces.control.protocol import (
    LINE_LIMIT,
    NEEDS,
    Answer,
    Command,
    Principal,
    Request,
    ask,
    stream,
)
from gate.interfaces.control.refusals import QUIET_S, Refusals
from gate.interfaces.control.server import CLIENTS, STREAMS, Server
from tests.fakes import no_thread_left
from tests.waiting import PATIENCE_S

GROUPS = {role: f"no-such-{role}" for role in Role}
"""A group for each role; the system has none of them."""
GRANTS = {role: (name,) for role, name in GROUPS.items()}
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
            answer: Callable[[Request], Answer] = desk,
            who: Credentials | None = None,
            read: Callable[[Request], Generator[bytes]] | None = None,
        ) -> Server:
            server = Server(
                path, GRANTS, answer, read, who=credentials if who is None else lambda _: who
            )
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
    assert request.peer == Peer(pwd.getpwuid(os.getuid()).pw_name, frozenset(Role))


def holding(roles: set[Role], monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """A user whose own group is that of the roles, on a system that has no other group."""

    def getgrnam(name: str) -> grp.struct_group:
        if name not in {GROUPS[role] for role in roles}:
            raise KeyError(name)
        return grp.struct_group((name, "x", STRANGER.gid, []))

    monkeypatch.setattr("gate.interfaces.control.peer.grp.getgrnam", getgrnam)
    return STRANGER


ALLOWED: dict[Role, set[str]] = {
    Role.STEER: {"open", "close", "reopen", "clear-fault", "reload"},
    Role.READ: {"events", "search", "stats", "export"},
    Role.WATCH: set(),
    Role.SPEAK: set(),
}
"""What a role gives; `status` is everybody's."""
SPEAKERS = {"open", "close", "reopen", "clear-fault"}
COMBINATIONS = [set[Role](), *({role} for role in Role), set(Role)]


@pytest.mark.parametrize("roles", COMBINATIONS, ids=lambda roles: "+".join(sorted(roles)) or "none")
def test_each_role_gives_its_commands_and_no_other(
    path: Path,
    desk: Desk,
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    roles: set[Role],
) -> None:
    """Everybody gets a status; any other command is done for those who hold its role."""

    def read(request: Request) -> Generator[bytes]:
        yield json.dumps({"ok": True} | desk(request)).encode() + b"\n"

    serve(who=holding(roles, monkeypatch), read=read)
    anna = {"name": "anna", "device": "tablet at lane 1"}
    for command in Command:
        for speaks in (False, True):
            words = {"command": command, "reason": "please"} | ({"for": anna} if speaks else {})
            answer = say(path, json.dumps(words).encode() + b"\n")
            if speaks:
                allowed = command in SPEAKERS and Role.SPEAK in roles
            else:
                allowed = command in {"status"}.union(*(ALLOWED[role] for role in roles))
            assert answer["ok"] is allowed, (command, speaks, answer)
            if allowed:
                request = desk.requests.pop()
                assert request.peer == Peer("uid 65000", frozenset(roles))
                who = "anna via uid 65000" if speaks else "uid 65000"
                assert (request.command, request.who) == (command, who)
            elif not speaks or command in SPEAKERS:
                assert answer["code"] == "not_allowed"
    assert desk.requests == []


def test_every_command_but_status_needs_a_role() -> None:
    """A command that is added is nobody's until somebody says whose it is."""
    assert NEEDS.keys() == set(Command) - {Command.STATUS}


def test_root_and_the_gate_s_own_user_hold_every_role(
    path: Path, desk: Desk, serve: Callable[..., Server]
) -> None:
    """Whoever could change the gate anyway need not be in a group."""
    serve(who=Credentials(1, 0, 0))
    ask(path, Command.STATUS)
    assert desk.requests[0].peer.roles == frozenset(Role)


def test_a_refusal_names_the_group_or_the_setting_that_would_allow_it(
    path: Path, desk: Desk
) -> None:
    """An administrator can be told what to do, also where no group is named yet."""
    grants = {Role.STEER: ("staff",), Role.SPEAK: ()}
    with closing(Server(path, grants, desk, who=lambda _: STRANGER)) as server:
        server.start()
        with pytest.raises(NotAllowed, match="sudo usermod -aG staff uid 65000"):
            ask(path, Command.CLOSE)
        raw = b'{"command": "close", "for": {"name": "anna"}}\n'
        assert "name a group in control.speakers" in say(path, raw)["error"]


def test_refusals_are_counted_and_do_not_drown_the_journal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first is told at once, then one line a minute says how many there were."""
    refusals = Refusals({})
    request = Request(Command.OPEN, Peer("bob"), "please")
    for now in [*range(50), QUIET_S, QUIET_S + 1]:
        with pytest.raises(NotAllowed):
            refusals.check(request, STRANGER, now)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "refused: open by bob (uid 65000), not allowed",
        "refused: open by bob (uid 65000), not allowed (50 times)",
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"open sesame\n", "expected one line like"),
        (b"\xff\xfe\n", "expected one line like"),
        (b"[" * 4000 + b"\n", "expected one line like"),
        (b'["open"]\n', "expected one line like"),
        (b'{"command": "open", "who": "root"}\n', "expected one line like"),
        (b'{"command": "open", "reason": "x", "for": "anna"}\n', "'for' is like"),
        (b'{"command": "open", "reason": "x", "for": {"name": 1}}\n', "the name in 'for'"),
        (b'{"command": "open", "reason": "x", "for": {"device": "tablet"}}\n', "needs a name"),
        (b'{"command": "open", "reason": "x", "for": {"name": "a", "uid": 0}}\n', "'for' is like"),
        (b'{"command": "reload", "for": {"name": "anna"}}\n', "'for' goes with"),
        (b'{"command": "status", "for": {"name": "anna"}}\n', "'for' goes with"),
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
    name = json.dumps({"name": "anna\n\x9b2J", "device": "\u202etablet"})
    say(path, b'{"command": "open", "reason": "x", "for": %s}\n' % name.encode())
    assert desk.requests[1].principal == Principal("anna 2J", "tablet")


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
    with closing(Server(path, GRANTS, desk, who=lambda _: next(users))) as server:
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
        Server(path, GRANTS, Desk())
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
        Server(path, GRANTS, Desk())
    assert path.read_text() == "the accounts of 2019"


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    """The remedy is in the message."""
    with pytest.raises(ControlError, match="RuntimeDirectory="):
        Server(tmp_path / "none" / "control.sock", GRANTS, Desk())


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
    with closing(Server(path, GRANTS, Desk())), pytest.raises(NoAnswer):
        ask(path, Command.STATUS, wait_s=0.05)


def counting(_: Request) -> Generator[bytes]:
    """Lines without an end."""
    for number in count():
        yield json.dumps({"n": number}).encode() + b"\n"


def waiting(_: Request) -> Generator[bytes]:
    """One line, and then nothing: the reader has it all."""
    yield b'{"ok": true}\n'
    while True:
        time.sleep(0.001)
        yield b""


def begin(path: Path, command: Command = Command.EVENTS) -> socket.socket:
    """A reader that has asked."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    connection.sendall(json.dumps({"command": command}).encode() + b"\n")
    return connection


def test_a_stream_comes_as_it_is_made(path: Path, serve: Callable[..., Server]) -> None:
    """Line after line, with the bytes that belong to one; what fails on the way is the last."""

    def read(request: Request) -> Generator[bytes]:
        assert request.question == {"who": "anna"}
        yield b'{"ok": true}\n'
        yield b'{"bytes": 5}\n\n{"a\n'
        raise ControlError("the card is gone")

    serve(read=read)
    answers = stream(path, Command.EXPORT, who="anna")
    assert next(answers) == ({"ok": True}, b"")
    assert next(answers) == ({"bytes": 5, "ok": True}, b'\n{"a\n')
    with pytest.raises(ControlError, match="the card is gone"):
        next(answers)


def test_a_reader_may_ask_only_what_its_command_takes(
    path: Path, serve: Callable[..., Server]
) -> None:
    """A field that is not the command's own is refused, as it may have been meant for something."""
    serve(read=counting)
    with pytest.raises(ControlError, match="expected one line like"):
        next(stream(path, Command.STATS, after=3))


def test_a_reader_that_stalls_is_sent_away_and_holds_up_nobody(
    path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its buffer is full; operators are answered meanwhile, and its place is free again."""
    monkeypatch.setattr(module, "SEND_S", 0.2)
    server = serve(read=counting)
    with begin(path) as stalled:
        while not server._readers.total():
            time.sleep(0.001)
        for _ in range(20):
            assert ask(path, Command.STATUS)["ok"]
        while server._readers.total():
            time.sleep(0.001)
        taken = b"".join(iter(lambda: stalled.recv(1_000_000), b""))
    assert taken.startswith(b'{"n": 0}')


def test_a_reader_that_goes_frees_its_place(path: Path, serve: Callable[..., Server]) -> None:
    """Also where nothing is sent that would fail."""
    server = serve(read=waiting)
    connection = begin(path)
    assert connection.recv(100) == b'{"ok": true}\n'
    assert server._readers.total() == 1
    connection.close()
    while server._readers.total():
        time.sleep(0.001)


def test_a_reader_that_said_all_it_has_to_say_still_reads(
    path: Path, serve: Callable[..., Server]
) -> None:
    """A client may close its own direction after its question."""
    serve(read=counting)
    connection = begin(path)
    connection.shutdown(socket.SHUT_WR)
    with connection, connection.makefile("rb") as lines:
        assert [json.loads(lines.readline())["n"] for _ in range(3)] == [0, 1, 2]


def test_readers_have_their_own_places(path: Path, serve: Callable[..., Server]) -> None:
    """One user's readers are limited, and take no place from those who ask and steer."""
    server = serve(read=waiting)
    readers = [begin(path) for _ in range(STREAMS // 2)]
    for reader in readers:
        assert reader.recv(100) == b'{"ok": true}\n'
    assert server._clients.total() == 0
    with pytest.raises(ControlError, match="too many read its log at once"):
        next(stream(path, Command.EVENTS))
    assert ask(path, Command.CLOSE)["ok"]
    for reader in readers:
        reader.close()


def test_a_closed_server_lets_its_readers_go(path: Path, serve: Callable[..., Server]) -> None:
    """A reader does not keep a gate from stopping."""
    server = serve(read=waiting)
    with begin(path) as connection:
        assert connection.recv(100) == b'{"ok": true}\n'
        server.close()
        assert connection.recv(100) == b""


def test_a_socket_without_a_thread_is_answered_once_there_is_one(
    serve: Callable[..., Server], path: Path
) -> None:
    """It is no reason for the gate to end, and clients wait meanwhile."""
    with no_thread_left():
        server = serve()
    server.supervise(time.monotonic() + module.RETRY_S)
    assert ask(path, Command.STATUS)["said"]
