"""A gate as a service, and the service manager's end of its notify socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gate.audit import Store
from gate.core.domain import EventKind, Record
from gate.errors import StoreError
from tests.waiting import PATIENCE_S, until

WriteConfig = Callable[..., Path]
STALE = {"stale_after_s": 1.0}
"""Camera settings for a gate that is to notice a camera without pictures."""


class Manager:
    """The service manager's end of the notify socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(PATIENCE_S)

    def wait_for(self, word: str) -> list[str]:
        """Everything that is said until a message begins with the word."""
        said: list[str] = []
        while not said or not said[-1].startswith(word):
            said.append(self._socket.recv(4096).decode())
        return said

    def silent_for(self, seconds: float) -> bool:
        """Whether the gate says nothing at all for a while."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(PATIENCE_S)
        return False

    def drain(self) -> None:
        """Forget what was said so far."""
        while not self.silent_for(0.01):
            pass

    def close(self) -> None:
        self._socket.close()


@contextmanager
def running(config: Path, manager: Manager) -> Iterator[subprocess.Popen[bytes]]:
    """A gate that is ended, whatever the test does."""
    environ = os.environ | {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "400000"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gate", "run", "--config", str(config)],
        env=environ,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def records(database: Path) -> list[Record]:
    with closing(Store.open(database, read_only=True)) as store:
        return list(store.records())


def wait_for(database: Path, kind: EventKind) -> None:
    """Wait until the log has an event of the kind."""

    def is_there() -> bool:
        with suppress(StoreError):  # not there, or not laid out yet
            return any(record.event.kind is kind for record in records(database))
        return False

    until(is_there, f"{kind} in the log")


def suspend(process: subprocess.Popen[bytes]) -> None:
    """Stop a process (SIGSTOP), and return once none of its threads runs on."""
    process.send_signal(signal.SIGSTOP)

    def rests() -> bool:
        states = [
            task.read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{process.pid}/task").glob("*/stat")
        ]
        return set(states) == {"T"}

    until(rests, "a stopped process")
