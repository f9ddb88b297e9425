"""The gate's end of its guard: a process outside that ends the gate when its line is on too long.

The limit's thread of `gate.hardware.relay` needs the interpreter, and that can hang: in a native
call that keeps its lock, in a stopped process, without memory. The guard needs nothing of it.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gate.errors import NoGuardError
from gate.hardware import guard_process

log = logging.getLogger(__name__)

MAKE_SAFE = ("-m", "gate.hardware.make_safe")
"""What the guard becomes, run by this Python; record and folders follow."""
MARGIN_S = 0.25
"""The gate's own limit comes first: a process that is only slow is not to be killed."""
ANSWER_S = 0.15
"""The guard has this long to say that it watches; a grant waits for it."""
START_S = 3.0
PING_S = 1.0
"""How often a guard is asked for a sign of life, and a missing one is started anew."""
END_S = 1.0
REAP_S = 0.05
"""The kernel ends a killed process at once; one that hangs in it is reaped later."""
OOM_SCORE = Path("/proc/self/oom_score_adj")
OOM_STEP = 100
"""Where the guard may not be made safer than the gate, the gate is the first to be killed."""


class Guard:
    """Starts the guard, tells it of each grant, and replaces it. Callable from any thread.

    Nothing but `watch` raises: without its guard a gate still lets people out.
    """

    def __init__(
        self, program: Sequence[str], *, margin_s: float = MARGIN_S, answer_s: float = ANSWER_S
    ) -> None:
        """Start it, and wait until it watches; ``program`` makes the lines safe, see `MAKE_SAFE`.

        A guard that does not start is a `problem`, and tried again by `supervise`.
        """
        self._program = tuple(program)
        self._margin_s = margin_s
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline: float | None = None
        self._number = 0
        self._answered = -1
        self._begun = b""
        self._asked_at = 0.0
        self._closed = False
        self._ends_clean = True
        self.problem: str | None = "it was not started"
        """What keeps it from watching; None while it watches."""
        self._starter: threading.Thread | None = None
        give_up = time.monotonic() + START_S
        starter = self._start()
        if starter is not None:
            starter.join(START_S)
        with self._lock:
            self._await(0, give_up - time.monotonic())

    @property
    def pid(self) -> int | None:
        """Its process id; None where there is none."""
        return None if self._process is None else self._process.pid

    def watch(self, deadline: float) -> None:
        """Have it end this process if `release` does not come until then (monotonic, s).

        Raises `NoGuardError` if it does not answer that it watches.
        """
        with self._lock:
            self._deadline = deadline
            number = self._send(f"watch {deadline!r}")
            if number is None or not self._await(number, self._answer_s):
                self._fail("it does not answer")
                raise NoGuardError(f"the relay's guard does not watch: {self.problem}")

    def release(self) -> None:
        """The line is off, or in a position that has no limit."""
        with self._lock:
            self._deadline = None
            self._send("release")

    def supervise(self, now: float) -> None:
        """See that it is there and answers; replace one that does not. For each turn of the loop.

        It waits for nothing: a thread starts a new guard, however long the system takes for that,
        and it counts from the turn that finds its first word.
        """
        with self._lock:
            if self._process is not None:
                self._read(0)
            if self._closed or now - self._asked_at < (START_S if self._starts() else PING_S):
                return
            if self._process is None:
                self._asked_at = now
                self._start()
            elif self._answered < self._number:
                self._fail("it does not answer")
            else:
                self._asked_at = now
                self._send("ping")

    def leave_lines(self) -> None:
        """Some line could not be made safe: `close` has the guard do it, from outside."""
        self._ends_clean = False

    def close(self) -> None:
        """End the guard, once the lines are safe; may be called twice."""
        with self._lock:
            self._closed = True
            process, starter = self._process, self._starter
            if process is not None and self._ends_clean:
                self._send("end")
            if process is not None:
                self._close_pipes(process)
            self._process, self.problem = None, "it was ended"
        if process is None:
            if starter is not None:
                starter.join(END_S)  # one that is started now is ended by who started it
        elif self._ends_clean:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        else:
            process.returncode = 0  # it outlives this process, which will not wait for it

    def _starts(self) -> bool:
        """Whether it has not said its first word yet."""
        return self._process is not None and self._answered < 0

    def _start(self) -> threading.Thread | None:
        """Have a thread start it, unless one does already."""
        if self._starter is not None and self._starter.is_alive():
            self.problem = "it is still being started"
            return None
        starter = threading.Thread(target=self._spawn, name="guard start", daemon=True)
        try:
            starter.start()
        except RuntimeError as error:  # tried again
            self.problem = f"it cannot be started: {error}"
            log.error("the relay's guard: %s", self.problem)
            return None
        self._starter = starter
        return starter

    def _spawn(self) -> None:
        own = [str(os.getpid()), str(self._margin_s)]
        command = [sys.executable, "-I", "-S", guard_process.__file__, *own, *self._program]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except Exception as error:  # no process, memory or descriptor left: tried again
            with self._lock:
                self.problem = f"it cannot be started: {error}"
            log.error("the relay's guard: %s", self.problem)
            return
        with self._lock:
            if self._closed:
                if self._ends_clean:
                    process.kill()  # before its pipe ends: there are no lines to make safe
                self._close_pipes(process)
                return
            assert process.stdin is not None
            os.set_blocking(process.stdin.fileno(), False)
            self._process, self._number, self._answered, self._begun = process, 0, -1, b""
            self._asked_at = time.monotonic()
            if self._deadline is not None:
                self._send(f"watch {self._deadline!r}")

    def _send(self, words: str) -> int | None:
        """Tell it something; the number that it will answer with, None where it can't be told."""
        if self._process is None or self._process.stdin is None:
            return None
        self._number += 1
        try:
            os.write(self._process.stdin.fileno(), f"{self._number} {words}\n".encode())
        except OSError as error:
            self._fail(f"it cannot be told: {error.strerror}")
            return None
        return self._number

    def _await(self, number: int, patience_s: float) -> bool:
        """Whether it has answered a message by then."""
        give_up = time.monotonic() + patience_s
        while self._process is not None and self._answered < number:
            left_s = give_up - time.monotonic()
            if left_s <= 0:
                break
            self._read(left_s)
        return self._process is not None and self._answered >= number

    def _read(self, patience_s: float) -> None:
        """Take its answers; the end of them is its end."""
        assert self._process is not None
        assert self._process.stdout is not None
        answers = select.poll()
        answers.register(self._process.stdout, select.POLLIN)
        if not answers.poll(1000 * patience_s):
            return
        try:
            data = os.read(self._process.stdout.fileno(), 4096)
        except OSError as error:
            self._fail(f"it cannot be heard: {error.strerror}")
            return
        if not data:
            self._fail("it ended")
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        if lines:
            if self._starts():
                _prefer_to_be_killed(self._process.pid)
            self._answered = int(lines[-1])
            self.problem = None

    def _fail(self, problem: str) -> None:
        """Give this guard up: one that wakes up later must not end a gate that is shut."""
        if self._process is None:
            return
        log.error("the relay's guard: %s; it is started anew", problem)
        self.problem = problem
        self._process.kill()
        self._close_pipes(self._process)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_S)
        self._process = None

    def _close_pipes(self, process: subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _oom_score(process: str = "self") -> str | None:
    try:
        return Path(f"/proc/{process}/oom_score_adj").read_text(encoding="ascii").strip()
    except OSError:
        return None


def _prefer_to_be_killed(guard: int) -> None:
    """Without memory the kernel is to end the gate, not its guard."""
    its, own = _oom_score(str(guard)), _oom_score()
    if its is not None and own is not None and int(its) >= int(own):
        with suppress(OSError):
            OOM_SCORE.write_text(str(min(int(own) + OOM_STEP, 1000)), encoding="ascii")
