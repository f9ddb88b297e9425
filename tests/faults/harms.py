"""The faults: what is done to the daemon, and how long the gate may stay open afterwards."""

from __future__ import annotations

import ctypes
import logging
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.core.domain import Event, EventKind, Position
from gate.errors import RelayError, StoreError
from gate.service.daemon import Daemon
from tests.faults.gate import HOLD_S, MAX_ON_S, STALE_S, WATCHDOG_S, Balance, Gate, balance

log = logging.getLogger(__name__)

MARGIN_S = 0.5
"""Beyond `max_on_s`, where the process lives."""
FOREVER_S = 3600
PIDS = Path("/sys/fs/cgroup/pids")
"""Where version 1 of the control groups counts processes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to be harmed; ``limit_s`` is how long the line may stay on after it."""

    name: str
    strike: Callable[[Gate, random.Random], float]
    """Starts the gate, does the harm, ends the gate; gives the monotonic time of the harm."""
    limit_s: float


def kill_in_a_hold(gate: Gate, chance: random.Random) -> float:
    """SIGKILL at a random moment after the line went on."""
    gate.start()
    gate.wait_until_on()
    time.sleep(chance.uniform(0, HOLD_S))
    at = time.monotonic()
    gate.kill()
    return at


def stop_the_process(gate: Gate, chance: random.Random) -> float:
    """SIGSTOP: nothing of the process runs on, not even its own limit."""
    gate.start()
    gate.wait_until_on()
    time.sleep(chance.uniform(0, HOLD_S / 2))
    at = time.monotonic()
    os.kill(gate.pid, signal.SIGSTOP)
    gate.watch()
    return at


def _alone(harm: Callable[[Daemon], None] | None) -> Callable[[Gate, random.Random], float]:
    """Nobody but its guard ends the gate: there is no service manager."""

    def strike(gate: Gate, chance: random.Random) -> float:
        gate.start(harm)
        gate.wait_until_on()
        at = time.monotonic()
        if harm is None:
            time.sleep(chance.uniform(0, HOLD_S / 2))
            at = time.monotonic()
            os.kill(gate.pid, signal.SIGSTOP)
        gate.wait_for_the_end()
        return at

    return strike


def _once_open(harm: Callable[[], object]) -> Callable[[Daemon], None]:
    """Do the harm in the first turn of the loop in which the gate is open."""

    def prepare(daemon: Daemon) -> None:
        tick = daemon.parts.lane.controller.tick

        def harmed(now: float) -> None:
            if daemon.parts.hardware.relay.is_open:
                harm()
            tick(now)

        daemon.parts.lane.controller.tick = harmed  # type: ignore[method-assign]  # that is the harm

    return prepare


def hold_the_interpreter() -> None:
    """A native call keeps Python's lock for five seconds: no thread of the gate runs."""
    ctypes.PyDLL(None).sleep(5)


def fill_the_service(gate: Gate, chance: random.Random) -> float:
    """No process or thread can be started in the service, and the loop hangs with the lock held.

    Where no control group can be made, RLIMIT_NPROC stands for it; it does not bind root.
    """
    group = PIDS / f"smile-gate-{os.getpid()}-{gate.folder.name}"

    def prepare(daemon: Daemon) -> None:
        _once_open(lambda: _fill(group, daemon.parts.hardware.guard.pid))(daemon)

    try:
        return _alone(prepare)(gate, chance)
    finally:
        if group.exists():
            gate.wait_until(lambda: _is_removed(group), "end of the control group")


def _is_removed(group: Path) -> bool:
    """Remove the group; not yet where a process in it has still to be reaped."""
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def _fill(group: Path, guard: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    with suppress(OSError):
        group.mkdir()
        for pid in (os.getpid(), guard):
            (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text("1")
    with suppress(RuntimeError):
        threading.Thread(target=time.sleep, args=(0,)).start()
        log.error("a thread could be started")
    hold_the_interpreter()


def exhaust_memory() -> None:
    """Nothing can be allocated any more, and the loop hangs with the lock held."""
    resource.setrlimit(resource.RLIMIT_AS, (2**20, 2**20))
    hold_the_interpreter()


def refuse_threads(daemon: Daemon) -> None:
    """From the first frame on no thread can be started; the gate has all that it needs."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    _once_open(lambda: setattr(threading.Thread, "start", refuse))(daemon)


def kill_the_guard(daemon: Daemon) -> None:
    """The guard goes while the gate is open; the gate starts another one."""
    killed: list[int] = []

    def kill() -> None:
        pid = daemon.parts.hardware.guard.pid
        if not killed and pid is not None:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    _once_open(kill)(daemon)


def _watched(harm: Callable[[Daemon], None]) -> Callable[[Gate, random.Random], float]:
    """The harm is done inside; the watchdog ends what hangs."""

    def strike(gate: Gate, chance: random.Random) -> float:
        gate.start(harm)
        gate.wait_until_on()
        at = time.monotonic()
        gate.watch()
        return at

    return strike


def _survived(harm: Callable[[Daemon], None]) -> Callable[[Gate, random.Random], float]:
    """The harm is done inside, and the process must live with it until it is told to stop."""

    def strike(gate: Gate, chance: random.Random) -> float:
        gate.start(harm)
        gate.wait_until_on()
        at = time.monotonic()
        time.sleep(MAX_ON_S + STALE_S)
        code = gate.stop()
        if code != 0:
            raise RuntimeError(f"the gate ended with {code}: {gate.journal()[-500:]}")
        return at

    return strike


def hang_the_loop(daemon: Daemon) -> None:
    """The loop never comes back from a turn once the gate is open."""
    tick = daemon.parts.lane.controller.tick

    def hang(now: float) -> None:
        if daemon.parts.hardware.relay.is_open:
            time.sleep(FOREVER_S)
        tick(now)

    daemon.parts.lane.controller.tick = hang  # type: ignore[method-assign]  # that is the harm


def block_the_log(daemon: Daemon) -> None:
    """The disk hangs when the hold's end is to be recorded."""

    def block(events: Sequence[Event]) -> None:
        if any(event.kind is EventKind.HOLD_ENDED for event in events):
            time.sleep(FOREVER_S)

    _before_recording(daemon, block)


def break_the_log(daemon: Daemon) -> None:
    """Once the gate is open nothing can be written any more."""
    broken: list[bool] = []

    def refuse(events: Sequence[Event]) -> None:
        if broken:
            raise StoreError("the disk is full")
        if any(event.kind is EventKind.GRANTED for event in events):
            broken.append(True)  # this one still, and the gate opens

    _before_recording(daemon, refuse)


def _before_recording(daemon: Daemon, harm: Callable[[Sequence[Event]], None]) -> None:
    recorder: Any = daemon.parts.log.writer._direct._recorder
    record = recorder.record

    def harmed(events: Sequence[Event]) -> object:
        harm(events)
        return record(events)

    recorder.record = harmed


def freeze_the_camera(daemon: Daemon) -> None:
    """The camera goes on to hand over the one picture in which the guest smiles."""
    inbox = daemon.inbox
    take = inbox.poll
    kept: list[Any] = []

    def frozen(timeout_s: float) -> Any:
        signals, frame = take(timeout_s)
        if frame is not None and (kept or daemon.parts.hardware.relay.is_open):
            kept.append(frame.image)
            frame = type(frame)(kept[0], frame.sequence, frame.monotonic)
            del kept[1:]
        return signals, frame

    inbox.poll = frozen  # type: ignore[method-assign]  # that is the harm


def stall_the_camera(daemon: Daemon) -> None:
    """The camera's thread never comes back from the driver."""
    _before_offering(daemon, lambda: time.sleep(FOREVER_S))


def fail_in_the_camera_s_thread(daemon: Daemon) -> None:
    """The driver raises what nobody expected."""

    def fail() -> None:
        raise ZeroDivisionError("in the driver")

    _before_offering(daemon, fail)


def _before_offering(daemon: Daemon, harm: Callable[[], None]) -> None:
    inbox = daemon.inbox
    offer = inbox.offer

    def harmed(frame: Any, **options: Any) -> None:
        if daemon.parts.hardware.relay.is_open:
            harm()
        offer(frame, **options)

    inbox.offer = harmed  # type: ignore[method-assign]  # that is the harm


def fail_in_the_pipeline(daemon: Daemon) -> None:
    """Judging a frame raises, from the moment the gate is open."""
    pipeline = daemon.parts.vision.frames.pipeline
    assert pipeline is not None
    observe = pipeline.observe
    broken: list[bool] = []

    def harmed(frame: Any) -> Any:
        if broken or daemon.parts.hardware.relay.is_open:
            broken.append(True)
            raise ValueError("in the model")
        return observe(frame)

    pipeline.observe = harmed  # type: ignore[method-assign]  # that is the harm


def fail_once_at_the_relay(daemon: Daemon) -> None:
    """The first attempt to shut the gate fails."""
    move = daemon.parts.hardware.relay.move
    failed: list[bool] = []

    def harmed(position: Position) -> None:
        if position is Position.SAFE and daemon.parts.hardware.relay.is_open and not failed:
            failed.append(True)
            raise RelayError("the wire is loose")
        move(position)

    daemon.parts.hardware.relay.move = harmed  # type: ignore[method-assign]  # that is the harm


def restart_rapidly(gate: Gate, chance: random.Random) -> float:
    """Killed again and again, in a hold or before it."""
    at = time.monotonic()
    for _ in range(4):
        gate.start()
        time.sleep(chance.uniform(0, 1.0))
        at = time.monotonic()
        gate.kill()
    return at


KILLED = 1.5
"""The guard sees it at once; a new Python then drives the lines."""
ALIVE = MAX_ON_S + MARGIN_S
WATCHED = WATCHDOG_S + MARGIN_S
GUARDED = MAX_ON_S + 1.5
"""The guard kills a quarter of a second after the limit; a new Python then drives the lines."""

FAULTS = (
    Fault("SIGKILL in a hold", kill_in_a_hold, KILLED),
    Fault("SIGSTOP in a hold", stop_the_process, WATCHED),
    Fault("SIGSTOP, no service manager", _alone(None), GUARDED),
    Fault("the interpreter is held", _alone(_once_open(hold_the_interpreter)), GUARDED),
    Fault("no process left, and held", fill_the_service, GUARDED),
    Fault("no memory left, and held", _alone(_once_open(exhaust_memory)), GUARDED),
    Fault("no thread left", _survived(refuse_threads), ALIVE),
    Fault("the guard is killed", _survived(kill_the_guard), ALIVE),
    Fault("the loop hangs", _watched(hang_the_loop), ALIVE),
    Fault("the log blocks", _watched(block_the_log), ALIVE),
    Fault("the log refuses", _survived(break_the_log), ALIVE),
    Fault("the camera freezes", _survived(freeze_the_camera), ALIVE),
    Fault("the camera stalls", _survived(stall_the_camera), ALIVE),
    Fault("the camera's thread fails", _survived(fail_in_the_camera_s_thread), ALIVE),
    Fault("judging a frame fails", _survived(fail_in_the_pipeline), ALIVE),
    Fault("the relay fails once", _survived(fail_once_at_the_relay), ALIVE),
    Fault("rapid restarts", restart_rapidly, KILLED),
)


def strike(fault: Fault, gate: Gate, chance: random.Random) -> Balance:
    """Do the harm, and hold pins and log against each other."""
    try:
        at = fault.strike(gate, chance)
    except BaseException:
        gate.kill()
        raise
    return balance(gate, at)
