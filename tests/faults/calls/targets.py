"""What can be failed, and where: in the pins' driver, the kernel, the start of threads."""

from __future__ import annotations

import ctypes
import errno
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from tests.faults.calls import virtual_time

GATE, EMERGENCY, EXIT, KEY, RED, GREEN = 17, 5, 6, 13, 22, 23


@dataclass(slots=True)
class Counter:
    """Calls of one kind: counted while it watches, and failed as it was told."""

    seen: int = 0
    watching: bool = False
    index: int = 0
    """The number of the call to fail, from 1; 0 for none."""
    forever: bool = False
    struck: int = 0
    what: str = ""
    """The first call that failed."""
    line: int | None = None
    """The GPIO number that it was about: only that line goes on failing."""

    def fails(self, what: str, line: int | None = None) -> bool:
        """Count a call; whether it is to fail."""
        number = 0
        if self.watching:
            self.seen += 1
            number = self.seen
        again = self.forever and self.struck and line == self.line
        if not self.index or not (number == self.index or again):
            return False
        if not self.struck:
            self.what, self.line = what, line
        self.struck += 1
        return True


@dataclass(slots=True)
class Failure:
    """One call of a kind that fails: by its number, once or from then on."""

    kind: str
    index: int
    forever: bool


@dataclass(slots=True)
class Targets:
    """All kinds of calls of one process: counted together, and one of them failed."""

    failure: Failure | None
    counters: dict[str, Counter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counters = {kind: Counter() for kind, shim in KINDS.items() if shim is None}

    def watch(self, folder: Path) -> None:
        """Begin to count, and to fail."""
        library().calls_watch(str(folder).encode())
        for counter in self.counters.values():
            counter.watching = True
        failure = self.failure
        if failure is None:
            return
        shim = KINDS[failure.kind]
        if shim is None:
            counter = self.counters[failure.kind]
            counter.index, counter.forever = failure.index, failure.forever
        else:
            library().calls_fail(shim.number, failure.index, failure.forever, shim.error)

    def rest(self) -> None:
        """Count no further; a failure that goes on goes on."""
        library().calls_rest()
        for counter in self.counters.values():
            counter.watching = False

    def mend(self) -> None:
        """Fail nothing any more."""
        self.rest()
        library().calls_mend()
        for counter in self.counters.values():
            counter.index = 0

    @property
    def seen(self) -> dict[str, int]:
        """How many calls of each kind there were."""
        return {
            kind: self.counters[kind].seen if shim is None else library().calls_seen(shim.number)
            for kind, shim in KINDS.items()
        }

    @property
    def struck(self) -> str:
        """The first call that failed; empty where none did."""
        if self.failure is None:
            return ""
        if KINDS[self.failure.kind] is None:
            return self.counters[self.failure.kind].what
        return str(library().calls_what().decode())

    @property
    def line(self) -> int | None:
        """The line whose driver failed; None where it was none."""
        return self.counters["pins"].line


@dataclass(frozen=True, slots=True)
class Shim:
    """A class of calls in failing.c, and the error that they fail with."""

    number: int
    error: int


KINDS: dict[str, Shim | None] = {
    "pins": None,
    "log-open": Shim(0, errno.EIO),
    "log-write": Shim(1, errno.EIO),
    "log-full": Shim(1, errno.ENOSPC),
    "log-sync": Shim(2, errno.EIO),
    "files": Shim(3, errno.EIO),
    "pipes": Shim(4, errno.EIO),
    "threads": None,
    "processes": None,
    "camera": None,
    "camera-empty": None,
}
"""The kinds of calls, by the names of the table."""
MEANING = {
    "pins": "GPIO: the pins' driver",
    "log-open": "SQLite: open (EIO)",
    "log-write": "SQLite: write (EIO)",
    "log-full": "SQLite: write (ENOSPC)",
    "log-sync": "SQLite: sync (EIO)",
    "files": "other files: open, write, sync, rename, unlink",
    "pipes": "pipes of the guard: read, write",
    "threads": "Thread.start",
    "processes": "start of a process",
    "camera": "VideoCapture: raises",
    "camera-empty": "VideoCapture: gives nothing",
}


def build(folder: Path) -> Path:
    """Compile the library that has to be preloaded. Raises `OSError`, `CalledProcessError`."""
    path = folder / "failing.so"
    source = Path(__file__).with_name("failing.c")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True, timeout=60
    )
    return path


def library() -> Any:
    """The preloaded library. Raises AttributeError, where it is used, if it was not preloaded."""
    loaded = ctypes.CDLL(None)
    loaded.calls_what.restype = ctypes.c_char_p
    loaded.calls_seen.restype = loaded.calls_struck.restype = ctypes.c_long
    loaded.calls_fail.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    return loaded


def fail_threads(counter: Counter) -> None:
    """Have `Thread.start` fail as it does where the system has no thread left."""

    def start(self: threading.Thread) -> None:
        if counter.fails(f"start of thread '{self.name}'"):
            raise RuntimeError("can't start new thread")
        virtual_time.start(self)

    threading.Thread.start = start  # type: ignore[method-assign]  # that is the harm


def fail_processes(counter: Counter) -> None:
    """Have the fork behind `subprocess` fail as it does where the system has no process left."""
    its: Any = subprocess
    fork = its._fork_exec

    def fork_exec(*arguments: Any) -> Any:
        if counter.fails(f"start of {arguments[0]}"):
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return fork(*arguments)

    its._fork_exec = fork_exec


def failing_capture(
    raising: Counter, empty: Counter, picture: Callable[[], Any]
) -> type[cv2.VideoCapture]:
    """A `cv2.VideoCapture` whose calls can raise, or give nothing."""

    class Capture:
        def __init__(self, *_: object) -> None:
            self._call("VideoCapture")
            self._is_open = not empty.fails("VideoCapture")

        def isOpened(self) -> bool:  # noqa: N802  # OpenCV's name
            self._call("isOpened")
            return self._is_open

        def get(self, _: int) -> float:
            self._call("get")
            return 0.0

        def set(self, *_: object) -> bool:
            self._call("set")
            return True

        def read(self) -> tuple[bool, Any]:
            self._call("read")
            image = picture()
            if empty.fails("read"):
                return False, None
            return True, image

        def grab(self) -> bool:
            self._call("grab")
            return not empty.fails("grab")

        def retrieve(self) -> tuple[bool, Any]:
            self._call("retrieve")
            return True, picture()

        def release(self) -> None:
            self._call("release")

        def _call(self, name: str) -> None:
            if raising.fails(name):
                raise cv2.error(f"{name} failed")

    return Capture  # type: ignore[return-value]  # it has what the gate uses
