"""The metrics port among strangers: few connections, one thread, no hurry."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.request import urlopen

import pytest

from gate.interfaces.metrics import server
from gate.interfaces.metrics.server import MetricsServer

LARGE = b"x" * 3_000_000


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Says what was asked; fails, or says much, where that is asked."""
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("on purpose")
    start("200 OK", [("Content-Type", "text/plain")])
    return [LARGE if environ["PATH_INFO"] == "/large" else repr(sorted(environ.items())).encode()]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(server, "PAUSE_S", 0.0)
    with closing(MetricsServer("127.0.0.1", 0, application)) as it:
        yield it.port


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


def scrape(port: int, path: str = "/metrics") -> bytes:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body


@pytest.mark.slow
def test_idle_connections_take_neither_threads_nor_descriptors(port: int) -> None:
    """Eighty that say nothing, and eighty that say half: the next scrape is answered."""
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    with ExitStack() as stack:
        for number in range(160):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            if number % 2:
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert b"REQUEST_METHOD" in scrape(port)
        assert threading.active_count() == threads
        clients = 160  # their ends are here too
        assert len(os.listdir("/proc/self/fd")) - descriptors <= clients + 10


def test_a_connection_that_takes_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says nothing is let go, without anybody else having to come."""
    monkeypatch.setattr(server, "PATIENCE_S", 0.05)
    with closing(MetricsServer("127.0.0.1", 0, application)) as it:
        assert ask(it.port, b"GET / HTTP/1.1\r\n") == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics?a=1 HTTP/1.1\r\nAccept: text/plain\r\n\r\n", b"200 OK"),
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics\r\n\r\n", b"400 Bad Request"),
        (b"\xff\xfe \xff HTTP/1.1\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 900 + b"\r\n", b"400 Bad Request"),
        (b"GET /fail HTTP/1.1\r\n\r\n", b"500 Internal Server Error"),
    ],
)
def test_every_request_has_its_answer(port: int, request_: bytes, status: bytes) -> None:
    """Words that are no HTTP, and an application that fails, are answers too."""
    answer = ask(port, request_)
    assert answer.startswith(b"HTTP/1.0 " + status + b"\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert b"REQUEST_METHOD" in scrape(port)


def test_an_endless_request_is_cut(port: int) -> None:
    """Nobody can fill the gate's memory."""
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        ask(port, b"a" * 100_000_000)
    assert b"REQUEST_METHOD" in scrape(port)


def test_an_answer_larger_than_a_buffer_comes_whole(port: int) -> None:
    """It goes out as fast as it is read."""
    assert scrape(port, "/large") == LARGE


def test_the_application_learns_what_was_asked(port: int) -> None:
    """Path, query and headers, in WSGI's words."""
    answer = ask(port, b"GET /m?name[]=up HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").decode()
    for pair in (
        ("PATH_INFO", "/m"),
        ("QUERY_STRING", "name[]=up"),
        ("HTTP_ACCEPT_ENCODING", "gzip"),
    ):
        assert repr(pair) in answer


def test_closing_frees_the_port_and_ends_the_thread() -> None:
    """`close` may be called twice, also with connections open."""
    threads = threading.active_count()
    it = MetricsServer("127.0.0.1", 0, application)
    with socket.create_connection(("127.0.0.1", it.port)):
        it.close()
    it.close()
    assert threading.active_count() == threads
    with closing(MetricsServer("127.0.0.1", it.port, application)) as again:
        assert again.port == it.port
