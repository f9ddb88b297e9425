"""The gate's end of the control socket.

Clients can be slow, silent, malformed or too many. Each has a thread of its own, with a limit on
time and size, so that the loop never waits for them.
"""

from __future__ import annotations

import json
import logging
import math
import select
import socket
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gate.errors import AnotherGate, ControlError, GateError, NoAnswer, NotAllowed
from gate.interfaces.control.peer import Credentials, Grants, credentials, identify
from gate.interfaces.control.protocol import (
    LINE_LIMIT,
    PATIENCE_S,
    QUESTIONS,
    Answer,
    Request,
    read_line,
)
from gate.interfaces.control.refusals import Refusals
from gate.interfaces.control.request import understand

log = logging.getLogger(__name__)

CLIENTS = 32
"""Most connections at a time; one user has a quarter of them at most."""
STREAMS = 8
"""Most readers at a time, apart from those; one user has half of them at most."""
SEND_S = 5.0
"""A reader that takes nothing for this time is sent away, s."""
RETRY_S = 1.0
"""How often it is tried to begin where no thread was left, s."""
PIECE = 65_536
"""Bytes that a reader has to take in that time."""


class Server:
    """Listens at the socket; ``answer`` is called in a client's thread and may raise `GateError`.

    ``read`` gives what a reader of the log gets, in chunks that follow the protocol; an empty one
    says that there is nothing yet. It may raise `GateError` at any time between two chunks. None
    is for a server that has no log to show.

    Connections are accepted from the beginning, and answered after `start`. Raises `AnotherGate` if
    a running gate listens already, `ControlError` if the socket can't be made; the socket of a gate
    that was killed is replaced.
    """

    def __init__(
        self,
        path: Path,
        grants: Grants,
        answer: Callable[[Request], Answer],
        read: Callable[[Request], Generator[bytes]] | None = None,
        *,
        who: Callable[[socket.socket], Credentials] = credentials,
    ) -> None:
        self._path = path
        self._grants = grants
        self._answer = answer
        self._read = read
        self._who = who
        self._closing = threading.Event()
        self._retry_at = math.inf
        self._lock = threading.Lock()
        self._clients: Counter[int] = Counter()
        self._readers: Counter[int] = Counter()
        self._refusals = Refusals(grants)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _make_way(path)
            self._listener.bind(str(path))
            path.chmod(0o666)  # everybody may ask; `identify` decides who may do what
            self._inode = path.stat().st_ino
            self._listener.listen(CLIENTS)
        except OSError as error:
            self._listener.close()
            raise ControlError(
                f"control socket {path}: {error.strerror or error}; the service's"
                " RuntimeDirectory= makes its folder, or set control.socket"
            ) from None
        except ControlError:
            self._listener.close()
            raise

    def start(self) -> None:
        """Begin to answer; where no thread is left for that, `supervise` tries again."""
        thread = threading.Thread(target=self._accept, name="control", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.error("control socket: nobody is answered, it is tried again: %s", error)
            self._retry_at = time.monotonic() + RETRY_S
        else:
            self._retry_at = math.inf

    def supervise(self, now: float) -> None:
        """Try again to begin where it did not work; for each turn of the gate's loop."""
        if now >= self._retry_at and not self._closing.is_set():
            self.start()

    def close(self) -> None:
        """Stop answering, and take the socket away; may be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if not self._closing.is_set():
                    log.warning("control socket: %s", error)
                    self._closing.wait(0.1)
                continue
            try:
                self._admit(connection)
            except (OSError, RuntimeError) as error:  # no thread left, or the client is gone
                log.warning("control socket: %s", error)
                connection.close()

    def _admit(self, connection: socket.socket) -> None:
        """Give the client a thread, or refuse it if there are too many."""
        connection.settimeout(PATIENCE_S)
        who = self._who(connection)
        with self._lock:
            full = self._clients.total() >= CLIENTS or self._clients[who.uid] >= CLIENTS // 4
            if not full:
                self._clients[who.uid] += 1
        if full:
            _say(connection, _failure("the gate is busy: too many ask at once; try again", "busy"))
            connection.close()
            return
        try:
            threading.Thread(
                target=self._serve, args=(connection, who), name="control client", daemon=True
            ).start()
        except RuntimeError:
            self._leave(who)
            raise

    def _leave(self, who: Credentials) -> None:
        with self._lock:
            self._clients[who.uid] -= 1

    def _serve(self, connection: socket.socket, who: Credentials) -> None:
        left = False
        try:
            with connection:
                try:
                    request = self._understood(connection, who)
                    if request.command in QUESTIONS:
                        with self._place_to_read(who):
                            self._leave(who)
                            left = True
                            self._stream(connection, request)
                        return
                    answer = {"ok": True} | self._answered(request)
                except GateError as error:
                    answer = _failure(str(error), _CODES.get(type(error), "refused"))
                except OSError:
                    raise  # the client is gone, or takes nothing
                except Exception:
                    log.exception("a request failed")
                    answer = _failure("the gate failed at this; see its journal", "failed")
                connection.settimeout(PATIENCE_S)
                _say(connection, answer)
        except OSError as error:
            log.debug("control client of uid %d: %s", who.uid, error)
        finally:
            if not left:
                self._leave(who)

    def _understood(self, connection: socket.socket, who: Credentials) -> Request:
        """The request, if this client may make it. Raises `GateError`."""
        line = read_line(connection, LINE_LIMIT, PATIENCE_S)
        request = understand(line, identify(who, self._grants))
        self._refusals.check(request, who, time.monotonic())
        return request

    def _answered(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except GateError as error:
            log.warning("refused: %s by %s: %s", request.command, request.peer.name, error)
            raise

    @contextmanager
    def _place_to_read(self, who: Credentials) -> Iterator[None]:
        """A reader's place. Raises `ControlError` where none is left."""
        with self._lock:
            full = self._readers.total() >= STREAMS or self._readers[who.uid] >= STREAMS // 2
            if not full:
                self._readers[who.uid] += 1
        if full:
            raise ControlError("the gate is busy: too many read its log at once; try again")
        try:
            yield
        finally:
            with self._lock:
                self._readers[who.uid] -= 1

    def _stream(self, connection: socket.socket, request: Request) -> None:
        """Send what comes until there is no more, or the client goes, or takes nothing."""
        if self._read is None:
            raise ControlError("there is no log to read here")
        connection.settimeout(SEND_S)
        with closing(self._read(request)) as chunks:
            for chunk in chunks:
                if self._closing.is_set() or _is_gone(connection):
                    return
                for begin in range(0, len(chunk), PIECE):
                    connection.sendall(chunk[begin : begin + PIECE])


def _is_gone(connection: socket.socket) -> bool:
    """Whether the client has closed its end: both ways, as one that asked may close its own."""
    look = select.poll()
    look.register(connection, 0)
    return bool(look.poll(0))


def _make_way(path: Path) -> None:
    """Remove the socket of a killed gate. Raises `ControlError` for any other file, or OSError."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is no socket; remove it, or set control.socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)  # nobody listens: its gate was killed
            return
        except BlockingIOError:  # its queue is full, but it is there
            pass
    raise AnotherGate(f"a gate is running already (it answers at {path}); stop that one first")


_CODES: dict[type[GateError], str] = {NotAllowed: "not_allowed", NoAnswer: "no_answer"}


def _failure(error: str, code: str) -> Answer:
    return {"ok": False, "error": error, "code": code}


def _say(connection: socket.socket, answer: Answer) -> None:
    connection.sendall(json.dumps(answer).encode() + b"\n")
