"""Work on untrusted files in a process of its own: what harms native code ends that one alone.

`Child` is the parent's side; the module that it runs calls `serve`. Both speak in blocks of bytes
over the child's standard input and output: eight bytes of length, then the block.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import gate

_LENGTH = struct.Struct("<Q")
_DATA = 5
"""Where /proc/self/statm has the pages that RLIMIT_DATA counts: private and writable, getrlimit(2).
Addresses that are only set aside (RLIMIT_AS counts them: 64 MB for each arena of malloc) take none.
"""


class ChildEnded(Exception):
    """The child gave no answer; the text says why, and goes on from the name of a file."""


class Child:
    """A Python process that answers blocks of bytes; begun by a question, again after a crash."""

    def __init__(self, module: str) -> None:
        """``module`` is run as ``python -m`` and calls `serve`."""
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: bytes) -> bytes:
        """The child's answer; waits for it. Raises `ChildEnded` where the child ends instead."""
        if self._process is None:
            self._process = self._begin()
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        with suppress(BrokenPipeError):
            _write(process.stdin, request)
        answer = _read(process.stdout)
        if answer is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)  # its pipe ends before it does
            self.close()
            raise ChildEnded(_why(process.returncode))
        return answer

    def close(self) -> None:
        """End the child; may be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in filter(None, (process.stdin, process.stdout)):
            with suppress(BrokenPipeError):
                pipe.close()
        process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> subprocess.Popen[bytes]:
        home = str(Path(gate.__file__).parent.parent)
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            return subprocess.Popen(
                # -P: the folder that a person is in is no place to import from.
                [sys.executable, "-P", "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # native libraries print there
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            )
        except OSError as error:
            raise ChildEnded(f"found no process to be tried in ({error.strerror})") from None


def first_to_go() -> None:
    """Have the kernel end this process before the gate where memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def serve(answer: Callable[[bytes], bytes], *, limit_s: float, memory: int | None = None) -> None:
    """Answer blocks until the parent has no more.

    An answer that takes longer than ``limit_s`` seconds ends this process: by the kernel, so that
    native code that hangs is ended too. ``memory`` is what may be added from now on, in bytes.
    """
    with suppress(OSError):
        os.nice(10)  # a gate may be running beside
    first_to_go()
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory is not None:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[_DATA])
            limit = pages * resource.getpagesize() + memory
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    while (request := _read(requests)) is not None:
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        said = answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(answers, said)


def _write(pipe: IO[bytes], block: bytes) -> None:
    pipe.write(_LENGTH.pack(len(block)))
    pipe.write(block)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """The next block, or None where the other end is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    block = pipe.read(length)
    return block if len(block) == length else None


def _why(code: int) -> str:
    if code == -signal.SIGALRM:
        return "took too long"
    if code < 0:
        return f"crashed what reads it ({signal.Signals(-code).name})"
    return f"ended what reads it (exit code {code})"
