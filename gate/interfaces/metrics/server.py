"""A port that anybody may connect to, in one thread and with a few connections.

`http.server` gives each connection a thread or all of them one turn after the other; strangers who
connect and say nothing would take the gate's threads, or the port from who asks in earnest.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import Any

log = logging.getLogger(__name__)

CONNECTIONS = 8
"""Open at once; a ninth closes the oldest. Prometheus asks with one."""
PATIENCE_S = 5.0
"""How long a connection may take, from its beginning to its end."""
PAUSE_S = 0.05
"""Between two answers: each costs the gate's interpreter a few ms."""
REQUEST_BYTES = 8192

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    until: float
    asked: bytes = b""
    answer: bytes = b""


class MetricsServer:
    """Answers GET with what a WSGI application says; begun at once, ended by `close`."""

    def __init__(self, address: str, port: int, application: WSGI) -> None:
        """``port`` 0 is any that is free. Raises OSError if it is taken.

        Raises RuntimeError where no thread is left for it.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=CONNECTIONS)
        self.port: int = self._listener.getsockname()[1]
        self._listener.setblocking(False)
        self._application = application
        self._open: list[_Connection] = []
        self._waker, self._wakes = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakes, selectors.EVENT_READ)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics port", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._let_go()
            raise

    def close(self) -> None:
        """Close the port and its connections; may be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError):
            self._waker.send(b"\0")
        self._thread.join(PATIENCE_S)
        self._let_go()

    def _let_go(self) -> None:
        for each in (self._listener, self._waker, self._wakes):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            soonest = min((each.until for each in self._open), default=None)
            wait = None if soonest is None else max(0.0, soonest - time.monotonic())
            for key, _ in self._selector.select(wait):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, _Connection) and key.data in self._open:
                    self._go_on(key.data)
            for each in [each for each in self._open if each.until <= time.monotonic()]:
                self._drop(each)
        for each in [*self._open]:
            self._drop(each)

    def _accept(self) -> None:
        if len(self._open) >= CONNECTIONS:
            self._drop(self._open[0])
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:
            log.error("metrics.port: %s", error)
            self._closing.wait(1)  # such as no descriptor left: what waits will be there then
            return
        accepted.setblocking(False)
        one = _Connection(accepted, time.monotonic() + PATIENCE_S)
        self._open.append(one)
        self._selector.register(accepted, selectors.EVENT_READ, one)

    def _go_on(self, one: _Connection) -> None:
        try:
            done = self._write(one) if one.answer else self._read(one)
        except BlockingIOError:
            done = False
        except OSError:
            done = True
        if done:
            self._drop(one)

    def _read(self, one: _Connection) -> bool:
        """Take what has come, and answer a whole request. Whether the connection is done with."""
        piece = one.socket.recv(REQUEST_BYTES)
        one.asked += piece
        if b"\r\n\r\n" in one.asked:
            one.answer = self._answer(one.asked)
            self._selector.modify(one.socket, selectors.EVENT_WRITE, one)
            self._closing.wait(PAUSE_S)
            return False
        return not piece or len(one.asked) > REQUEST_BYTES

    def _write(self, one: _Connection) -> bool:
        """Send what can be sent. Whether that was the rest."""
        one.answer = one.answer[one.socket.send(one.answer) :]
        return not one.answer

    def _drop(self, one: _Connection) -> None:
        self._open.remove(one)
        self._selector.unregister(one.socket)
        with suppress(OSError):
            one.socket.shutdown(socket.SHUT_WR)
        one.socket.close()

    def _answer(self, asked: bytes) -> bytes:
        said: list[str] = []

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            said[:] = [status, *(f"{name}: {value}" for name, value in headers)]

        body = b""
        environ = _environ(asked)
        if environ is None:
            said.append("400 Bad Request")
        else:
            try:
                body = b"".join(self._application(environ, start))
            except Exception:
                log.exception("metrics.port")
                said[:] = ["500 Internal Server Error"]
        said += [f"Content-Length: {len(body)}", "Connection: close"]
        return b"HTTP/1.0 " + "\r\n".join([*said, "", ""]).encode("latin-1") + body


def _environ(asked: bytes) -> dict[str, Any] | None:
    """WSGI's words for the request (PEP 3333), or None where it is none."""
    file = BytesIO(asked)
    words = file.readline().decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        return None
    try:
        headers = parse_headers(file)
    except HTTPException:
        return None
    path, _, query = words[1].partition("?")
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {**named, "REQUEST_METHOD": words[0], "PATH_INFO": path, "QUERY_STRING": query}
