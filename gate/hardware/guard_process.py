"""The guard's own process: ends a gate that is open past its deadline, and makes its lines safe.

`gate.hardware.guard` starts it, as a file of its own: standard library only, so that it is small
and starts at once. It reads lines from standard input and answers each with its number::

    7 watch 1234.5     the line is about to go on, until then (CLOCK_MONOTONIC, seconds)
    8 release          it is off, or in a position that has no limit
    9 ping
    10 end             the gate has made its lines safe and ends

At a deadline it sends SIGKILL to the gate: a GPIO line belongs to the process that requested it, so
nobody else can drive it before. After that, and when the gate goes without a word, this process
*becomes* the program that makes the lines safe: exec needs no new process, where none may be left.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

MESSAGES, ANSWERS, ERRORS = 0, 1, 2
HELLO = b"0\n"
"""What it says once it watches."""
LOOK_S = 1.0
"""How often it looks whether the gate is there: a child of the gate may keep its pipe open."""
GONE_S = 2.0
"""The kernel takes this long at most to close what a killed gate had open."""
IGNORED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGPIPE,
)
"""What a service manager or a terminal sends to all of a service; the gate's end ends the guard."""
_MCL_CURRENT, _MCL_FUTURE = 1, 2


class Watch:
    """What the gate said last."""

    def __init__(self) -> None:
        self.deadline = math.inf
        self.ended = False
        self._begun = b""

    def take(self, data: bytes) -> bytes:
        """Take what was read; the answers to it."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        answers = b""
        for line in lines:
            number, _, words = line.partition(b" ")
            self._understand(words.split())
            answers += number + b"\n"
        return answers

    def _understand(self, words: list[bytes]) -> None:
        match words:
            case [b"watch", deadline]:
                self.deadline = float(deadline)
            case [b"release"]:
                self.deadline = math.inf
            case [b"end"]:
                self.ended = True


def oversee(gate: int, margin_s: float) -> bool:
    """Watch until the gate (its process id) ends; whether its lines have to be made safe."""
    watch = Watch()
    messages = select.poll()
    messages.register(MESSAGES, select.POLLIN)
    while True:
        left_s = watch.deadline + margin_s - time.monotonic()
        ready = messages.poll(max(0, math.ceil(1000 * min(left_s, LOOK_S))))
        if ready:
            data = os.read(MESSAGES, 4096)
            if not data:
                return not watch.ended
            with contextlib.suppress(OSError):  # a gate that does not listen is not waited for
                os.write(ANSWERS, watch.take(data))
        elif left_s <= 0:
            end(gate)
            say(f"the gate's line was on {margin_s - left_s:.2f} s past its limit: it was ended")
            messages.poll(int(1000 * GONE_S))
            return True
        elif os.getppid() != gate:
            return True


def end(gate: int) -> None:
    """Kill the gate; while it is the parent of this process, no other one can have its number."""
    if os.getppid() == gate:
        os.kill(gate, signal.SIGKILL)


def say(text: str) -> None:
    """Write to standard error, if that does not have to be waited for."""
    errors = select.poll()
    errors.register(ERRORS, select.POLLOUT)
    if errors.poll(0):
        with contextlib.suppress(OSError):
            os.write(ERRORS, f"smile-gate guard: {text}\n".encode())


def settle() -> None:
    """Stay in memory, and be the last to be killed for it, as far as the system allows it.

    Without privileges a process may go down to what a privileged one gave it or its parents last.
    """
    for score in range(-1000, 1000, 100):
        with contextlib.suppress(OSError):
            with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
                file.write(str(score))
            break
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mlockall(_MCL_CURRENT | _MCL_FUTURE)


def main(arguments: Sequence[str]) -> int:
    """Arguments: the gate's process id, the margin (s), the program to become."""
    gate, margin_s, *program = arguments
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.set_blocking(ANSWERS, False)
    settle()
    with contextlib.suppress(OSError):  # a gate that is gone already is seen below
        os.write(ANSWERS, HELLO)
    if not oversee(int(gate), float(margin_s)):
        return 0
    try:
        os.execv(program[0], program)
    except OSError as error:
        say(f"the lines cannot be made safe: {program[0]}: {error.strerror}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
