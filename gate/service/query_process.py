"""Questions about the log are answered by another process, never by the gate's own.

A scan of ten million rows, or a damaged page that SQLite falls over, would otherwise take the
interpreter from the loop, or end it. The process is started by the first question, and ended when
nobody has asked for a while. It gets the log's path and one socket: no line, no camera, no client.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gate
from gate.errors import ControlError

log = logging.getLogger(__name__)

LIMIT_S = 10.0
"""Time for one answer, s."""
START_S = 20.0
"""More time for the first one: a slow card has to give Python and its libraries."""
IDLE_S = 60.0
"""The process is ended after this time without a question, s."""
QUEUE_S = 30.0
"""Time that a question may wait for those before it, s."""
HEAD_BYTES = 65_536
"""Longest head of an answer."""
BODY_BYTES = 8 * 2**20
"""Longest body; the process itself keeps to half of it."""

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE")
"""Of the environment, no more: a camera's password may be in the rest."""


class QueryProcess:
    """Asks the process, one question at a time; any thread may call it.

    Only `look_after` is for the loop: it never waits.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._asking = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ended: list[subprocess.Popen[bytes]] = []
        self._used_at = 0.0
        self._closed = False

    def pid(self) -> int | None:
        """The number of the process, where there is one."""
        child = self._child
        return None if child is None else child.pid

    def ask(self, question: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The head and the body of the answer. Raises `ControlError`, one line."""
        if not self._asking.acquire(timeout=QUEUE_S):
            raise ControlError("the gate is busy with other questions about its log; try again")
        try:
            head, body = self._exchange(json.dumps(question).encode() + b"\n")
        finally:
            self._used_at = self._clock()
            self._asking.release()
        if not head.pop("ok", False):
            raise ControlError(str(head.get("error")))
        return head, body

    def look_after(self, now: float) -> None:
        """End a process that nobody asks any more, and let go of one that has ended."""
        if self._ended:
            self._ended = [child for child in self._ended if child.poll() is None]
        if self._child is None or not self._asking.acquire(blocking=False):
            return
        try:
            if now - self._used_at >= IDLE_S:
                self._end()
        finally:
            self._asking.release()

    def close(self) -> None:
        """End the process, in the middle of an answer too; may be called twice."""
        self._closed = True
        while not self._asking.acquire(timeout=0.02):
            child = self._child
            if child is not None:
                child.kill()  # whoever waits for its answer is told, and lets go of it
        try:
            self._end()
        finally:
            self._asking.release()
        for ended in self._ended:
            ended.wait()
        self._ended = []

    def _exchange(self, line: bytes) -> tuple[dict[str, Any], bytes]:
        limit_s = LIMIT_S if self._child is not None else LIMIT_S + START_S
        try:
            connection = self._connected()
            until = time.monotonic() + limit_s
            connection.settimeout(limit_s)
            connection.sendall(line)
            raw, rest = _until_newline(connection, until)
            head: dict[str, Any] = json.loads(raw)
            return head, _whole(connection, rest, int(head.pop("size", 0)), until)
        except TimeoutError:
            self._end()
            raise _too_late() from None
        except (OSError, ValueError) as error:
            child = self._child
            self._end()
            if child is not None and _gave_up(child):
                raise _too_late() from None
            log.warning("the query process ended: %s", error)
            raise ControlError(f"the query process ended ({error}); ask again") from None

    def _connected(self) -> socket.socket:
        """The socket to the process, which is started where there is none. Raises OSError."""
        if self._closed:
            raise OSError("the gate is stopping")
        if self._child is None or self._socket is None:
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    self._child = subprocess.Popen(
                        [sys.executable, "-m", "gate.service.query_child", str(self._path)],
                        stdin=theirs.fileno(),
                        stdout=subprocess.DEVNULL,
                        close_fds=True,
                        cwd="/",
                        env=_environment(),
                    )
                except OSError:
                    ours.close()
                    raise
            self._socket = ours
        return self._socket

    def _end(self) -> None:
        """End the process without waiting for its end: the next looks do that."""
        if self._socket is not None:
            self._socket.close()
        if self._child is not None:
            self._child.kill()
            self._ended.append(self._child)
        self._socket = self._child = None


def _gave_up(child: subprocess.Popen[bytes]) -> bool:
    """Whether the process ended itself for its limit: a first answer has more time than that."""
    with suppress(subprocess.TimeoutExpired):
        return child.wait(1.0) == -signal.SIGALRM
    return False


def _too_late() -> ControlError:
    return ControlError(
        f"no answer within {LIMIT_S:g} s; ask for less: a shorter time, a smaller limit"
    )


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(gate.__file__).parent.parent)}


def _until_newline(connection: socket.socket, until: float) -> tuple[bytes, bytes]:
    """The first line, and what came after it. Raises OSError, ValueError."""
    got = b""
    while b"\n" not in got:
        if len(got) > HEAD_BYTES:
            raise ValueError("its answer makes no sense")
        got += _some(connection, until)
    line, _, rest = got.partition(b"\n")
    return line, rest


def _whole(connection: socket.socket, begun: bytes, size: int, until: float) -> bytes:
    """The body of so many bytes. Raises OSError, ValueError."""
    if not 0 <= size <= BODY_BYTES:
        raise ValueError("its answer makes no sense")
    body = bytearray(begun)
    while len(body) < size:
        body += _some(connection, until)
    return bytes(body)


def _some(connection: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    part = connection.recv(262_144)
    if not part:
        raise ConnectionError("in the middle of an answer")
    return part
