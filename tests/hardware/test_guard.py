"""The guard of the gate's line: a process outside, and the gate's end of it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.errors import RelayError
from gate.hardware import guard_process
from gate.hardware.guard import Guard

PATIENCE_S = 30


@pytest.fixture
def made_safe(tmp_path: Path) -> Path:
    """The file that the guard's program makes when the lines have to be made safe."""
    return tmp_path / "made-safe"


@pytest.fixture
def guard(made_safe: Path) -> Iterator[Guard]:
    it = Guard(["/usr/bin/touch", str(made_safe)], answer_s=PATIENCE_S)
    yield it
    it.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True


def is_gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def gate_that(does: str, made_safe: Path) -> subprocess.Popen[str]:
    """A process with a guard of its own; it says the guard's process id, and what it does."""
    code = f"""
import ctypes, os, resource, signal, sys, threading, time
from gate.hardware.guard import Guard
guard = Guard(["/usr/bin/touch", {str(made_safe)!r}], answer_s={PATIENCE_S}, margin_s=0.1)
print(guard.pid, flush=True)
{does}
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_guard_that_watches_has_no_problem(guard: Guard, made_safe: Path) -> None:
    """It answers, is told of the end, and ends without having done anything."""
    assert guard.problem is None
    pid = guard.pid
    assert pid is not None
    guard.watch(time.monotonic() + 3600)
    guard.release()
    guard.close()
    guard.close()
    assert wait_for(lambda: is_gone(pid))
    assert not made_safe.exists()


HANGS = {
    "SIGSTOP": "os.kill(os.getpid(), signal.SIGSTOP)",
    "held interpreter": "ctypes.PyDLL(None).sleep(60)",
    "no more processes": (
        "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)); os.kill(os.getpid(), signal.SIGSTOP)"
    ),
    "no more memory": (
        "resource.setrlimit(resource.RLIMIT_AS, (2**20, 2**20)); ctypes.PyDLL(None).sleep(60)"
    ),
}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_gate_that_hangs_is_ended_at_its_deadline_and_made_safe(
    made_safe: Path, hang: str
) -> None:
    """Whatever keeps the interpreter from its own limit."""
    with gate_that(f"guard.watch(time.monotonic() + 0.2); {hang}", made_safe) as process:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        assert wait_for(made_safe.exists)


def test_a_gate_that_is_killed_is_made_safe_at_once(made_safe: Path) -> None:
    """Nobody has to wait for the deadline, and no service manager is needed."""
    with gate_that("guard.watch(time.monotonic() + 3600); time.sleep(3600)", made_safe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        assert wait_for(made_safe.exists)


def test_a_child_that_keeps_the_pipe_open_does_not_hide_the_gate_s_end(made_safe: Path) -> None:
    """The guard sees it by its own parent, too."""
    does = (
        "guard.watch(time.monotonic() + 3600)\n"
        "if os.fork() == 0: time.sleep(20); os._exit(0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    with gate_that(does, made_safe) as process:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        assert wait_for(made_safe.exists)


def test_a_released_line_has_no_deadline(made_safe: Path) -> None:
    """A gate that shut in time lives on; so does one whose deadline was moved."""
    does = (
        "guard.watch(time.monotonic() + 0.1); guard.watch(time.monotonic() + 3600)\n"
        "guard.watch(time.monotonic() + 0.1); guard.release()\n"
        "time.sleep(0.5); guard.close(); print('alive')"
    )
    with gate_that(does, made_safe) as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert said.endswith("alive\n")
    assert not made_safe.exists()


def test_the_signals_of_a_service_manager_do_not_end_it(guard: Guard) -> None:
    """They are for the whole service, and the guard ends after the gate."""
    assert guard.pid is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT, signal.SIGPIPE):
        os.kill(guard.pid, number)
    guard.watch(time.monotonic() + 3600)
    guard.release()


def test_a_guard_that_was_killed_lets_nobody_in_and_is_replaced(guard: Guard) -> None:
    """The next grant is refused; the loop's turns bring a new one, which knows what is on."""
    first = guard.pid
    assert first is not None
    guard.watch(time.monotonic() + 3600)
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: is_gone(first))
    with pytest.raises(RelayError, match="guard does not watch"):
        guard.watch(time.monotonic() + 3600)
    assert guard.problem is not None
    now = time.monotonic() + 2

    def is_well_after_a_turn() -> bool:
        guard.supervise(now)
        return guard.problem is None

    assert wait_for(is_well_after_a_turn)
    assert guard.pid != first
    guard.watch(time.monotonic() + 3600)
    guard.release()


def test_a_silent_guard_is_found_by_the_loop_and_ended(guard: Guard, made_safe: Path) -> None:
    """One that wakes up later must not end a gate that is shut, nor drive its lines."""
    first = guard.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    now = time.monotonic()
    for _ in range(4):
        now += 1.1
        guard.supervise(now)
    assert wait_for(lambda: is_gone(first))
    assert not made_safe.exists()


def test_a_silent_guard_costs_a_grant_a_bounded_wait(made_safe: Path) -> None:
    """The loop goes on after a moment, and the guest stays outside."""
    guard = Guard(["/usr/bin/touch", str(made_safe)], answer_s=0.05)
    pid = guard.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(RelayError, match="it does not answer"):
        guard.watch(time.monotonic() + 3600)
    assert wait_for(lambda: is_gone(pid))
    guard.close()


def test_a_guard_that_cannot_start_is_a_problem_and_no_exception(
    monkeypatch: pytest.MonkeyPatch, made_safe: Path
) -> None:
    """A gate without its guard runs, for the way out; nothing else is driven."""

    def refuse(*command: object, **options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("gate.hardware.guard.subprocess.Popen", refuse)
    guard = Guard(["/usr/bin/touch", str(made_safe)])
    assert guard.problem == ("it cannot be started: [Errno 11] Resource temporarily unavailable")
    with pytest.raises(RelayError):
        guard.watch(time.monotonic() + 1)
    guard.release()
    guard.supervise(time.monotonic() + 10)
    guard.close()


def slow_start(
    monkeypatch: pytest.MonkeyPatch, begun: list[subprocess.Popen[bytes]]
) -> tuple[threading.Event, threading.Event]:
    """A system slow to give a new process: set once it is asked for one, and to be set."""
    asked, go, begin = threading.Event(), threading.Event(), subprocess.Popen

    def begin_late(*command: Any, **options: Any) -> Any:
        asked.set()
        go.wait(PATIENCE_S)
        begun.append(begin(*command, **options))
        return begun[-1]

    monkeypatch.setattr("gate.hardware.guard.subprocess.Popen", begin_late)
    return asked, go


def test_a_guard_that_is_slow_to_start_keeps_nobody_waiting(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop turns on, a grant is refused at once and told why; then there is another guard."""
    assert guard.pid is not None
    os.kill(guard.pid, signal.SIGKILL)
    assert wait_for(lambda: is_gone(guard.pid or 0))
    asked, go = slow_start(monkeypatch, [])
    now = time.monotonic() + 2
    guard.supervise(now)
    guard.supervise(now + 1)
    assert asked.wait(PATIENCE_S)
    guard.supervise(now + 2)
    assert guard.problem == "it is still being started"
    with pytest.raises(RelayError, match="guard does not watch: it is still being started"):
        guard.watch(time.monotonic() + 3600)
    guard.release()
    go.set()

    def is_well() -> bool:
        guard.supervise(time.monotonic())
        return guard.problem is None

    assert wait_for(is_well)


def test_a_guard_that_starts_when_the_gate_ends_does_nothing(
    guard: Guard, made_safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines are another gate's by then."""
    begun: list[subprocess.Popen[bytes]] = []
    asked, go = slow_start(monkeypatch, begun)
    assert guard.pid is not None
    os.kill(guard.pid, signal.SIGKILL)
    assert wait_for(lambda: is_gone(guard.pid or 0))
    for turn in (2, 3):
        guard.supervise(time.monotonic() + turn)
    assert asked.wait(PATIENCE_S)
    monkeypatch.setattr("gate.hardware.guard.END_S", 0.0)
    guard.close()
    go.set()
    assert wait_for(lambda: bool(begun) and is_gone(begun[0].pid))
    assert not made_safe.exists()


def test_lines_that_were_not_made_safe_are_left_to_it(guard: Guard, made_safe: Path) -> None:
    """At an end that went wrong it does from outside what the gate could not."""
    guard.leave_lines()
    guard.close()
    assert wait_for(made_safe.exists)


def test_it_holds_nothing_of_the_gate_open(guard: Guard, tmp_path: Path) -> None:
    """Its own three pipes, and no socket, file or GPIO chip of the gate's."""
    with (tmp_path / "log").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        other = Guard(["/usr/bin/true"])
        try:
            folder = Path(f"/proc/{other.pid}/fd")
            assert sorted(path.name for path in folder.iterdir()) == ["0", "1", "2"]
        finally:
            other.close()


def test_it_loads_the_standard_library_only() -> None:
    """What is locked in memory must be small: no package of ours, none of others."""
    path = guard_process.__file__
    code = f"import runpy, sys; runpy.run_path({path!r}); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded <= sys.stdlib_module_names | {"__main__", "__mp_main__"}
    assert "subprocess" not in loaded


def test_it_is_the_last_to_be_killed_for_memory(guard: Guard) -> None:
    """The kernel ends the gate first; its guard is then there to make the lines safe."""
    score = int(Path(f"/proc/{guard.pid}/oom_score_adj").read_text())
    assert score < int(Path("/proc/self/oom_score_adj").read_text())


def test_its_memory_is_locked(guard: Guard) -> None:
    """Where the limit allows it, no page of it has to be read from a card that hangs."""
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and limit < 64 * 2**20 and os.geteuid() != 0:
        pytest.skip("RLIMIT_MEMLOCK is too low here")
    status = Path(f"/proc/{guard.pid}/status").read_text()
    (locked,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmLck")]
    assert int(locked) > 1000


def test_a_guard_that_cannot_be_heard_is_replaced_and_ends_nothing(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of its pipe is the end of that guard, and no error of who tells it something."""
    first, read = guard.pid, os.read

    def fail(descriptor: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", fail)
        with pytest.raises(RelayError, match="does not watch"):
            guard.watch(time.monotonic() + 60)
    assert os.read is read
    guard.supervise(time.monotonic() + 2)

    def watches() -> bool:
        guard.supervise(time.monotonic())
        return guard.problem is None

    assert wait_for(watches)
    assert guard.pid != first
