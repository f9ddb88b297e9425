"""One gate as a child process, what a service manager would do for it, and what is left of it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gate.audit import Store
from gate.config.load import load
from gate.core.domain import EventKind, Record
from gate.errors import StoreError
from gate.hardware import guard
from gate.hardware.from_config import lines_in_force
from gate.hardware.make_safe import make_safe
from gate.hardware.picture_files import VideoFile
from gate.replay import demo_clip
from gate.service.daemon import Daemon
from gate.system.systemd import Notifier
from tests.faults.pins import history, recording_factory

GATE_PIN = 17
HOLD_S, MAX_ON_S, WATCHDOG_S, STALE_S = 0.6, 1.1, 1.5, 0.6
SETTINGS = f"""
camera: {{source: smile.avi, loop: true, stale_after_s: {STALE_S}, retry_first_s: 0.05}}
face: {{lost_s: 0.3}}
smile: {{frames: 2}}
relay: {{pin_factory: mock, hold_s: {HOLD_S}, max_on_s: {MAX_ON_S}}}
rearm: {{rule: cool_down, after_s: 0.2}}
store: {{path: audit.db}}
service: {{crash_starts: 100}}
control: {{socket: null}}
"""
PATIENCE_S = 60
IN_FLIGHT_S = 0.3
"""A move to safety comes before its record: a kill right after it leaves only `unclean_end`."""

Harm = Callable[[Daemon], None]
"""Prepares a daemon, in its own process and after its start, for something to go wrong."""


def write_clip(path: Path) -> None:
    """Three seconds of a guest who stands there and smiles, 20 pictures a second."""
    scenes = demo_clip.SCENES
    demo_clip.SCENES = (demo_clip.Scene("smile", 4.0, demo_clip.NEAR, demo_clip.NEAR),)
    try:
        with closing(VideoFile(path, 20)) as video:
            for frame in demo_clip.render():
                video.write(frame)
    finally:
        demo_clip.SCENES = scenes


class HarmedDaemon(Daemon):
    """A daemon that is prepared for harm once its parts have started."""

    harm: Harm | None = None

    def _loop(self) -> None:
        if self.harm is not None:
            self.harm(self)
        super()._loop()


@dataclass(slots=True)
class Gate:
    """A folder with the settings, the log and the pins' history, and the process that runs."""

    folder: Path
    pid: int = 0
    started: float = 0.0
    socket: socket.socket | None = None
    kills: list[tuple[float, float]] = field(default_factory=list)
    """From shortly before each kill to when the lines were safe: the next start records these."""

    @property
    def database(self) -> Path:
        return self.folder / "audit.db"

    @property
    def pins(self) -> Path:
        return self.folder / "pins.log"

    def prepare(self, clip: Path) -> None:
        """Write the settings, and put the clip where they say it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "gate.yaml").write_text(SETTINGS)
        with suppress(FileExistsError):
            (self.folder / "smile.avi").symlink_to(clip)

    def start(self, harm: Harm | None = None) -> None:
        """Run the daemon in a child process, as `Type=notify` with a watchdog."""
        address = self.folder / "notify"
        address.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(address))
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._child(address, harm)

    def _child(self, address: Path, harm: Harm | None) -> None:
        code = 1
        try:
            logging.basicConfig(filename=self.folder / "journal", level=logging.INFO)
            guard.MAKE_SAFE = ("-m", "tests.faults.safe_state", str(self.pins))  # type: ignore[assignment]
            environ = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
            daemon = HarmedDaemon(
                load(self.folder / "gate.yaml"),
                factory=recording_factory(self.pins),
                notifier=Notifier(environ),
            )
            daemon.harm = harm
            daemon.run()
            code = 0
        except BaseException:
            logging.exception("the daemon ended")
        finally:
            os._exit(code)

    def was_on(self) -> bool:
        """Whether the gate's line has been on since the start, be it for a millisecond."""
        opened = (it for it in history(self.pins) if it.pin == GATE_PIN and it.level)
        return any(change.at >= self.started for change in opened)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something the daemon does."""
        give_up = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > give_up:
                raise TimeoutError(f"{self.folder.name}: no {what}")
            time.sleep(0.002)

    def wait_until_on(self) -> None:
        self.wait_until(self.was_on, "grant")

    def kill(self) -> None:
        """SIGKILL, then what the service manager does after any end."""
        begun = time.monotonic()
        self._end(signal.SIGKILL)
        self.kills.append((begun - IN_FLIGHT_S, time.monotonic()))

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def watch(self) -> float:
        """Be the watchdog: wait for silence, kill, make safe; the monotonic time of the kill."""
        assert self.socket is not None
        self.socket.settimeout(WATCHDOG_S)
        give_up = time.monotonic() + PATIENCE_S
        last = time.monotonic()
        while time.monotonic() - last < WATCHDOG_S and time.monotonic() < give_up:
            with suppress(TimeoutError):
                if self.socket.recv(4096).startswith(b"WATCHDOG"):
                    last = time.monotonic()
        killed = time.monotonic()
        self.kill()
        return killed

    def wait_for_the_end(self) -> None:
        """Wait until somebody else ends it, as its guard does; then clean up."""
        self.wait_until(self._is_over, "end of the gate by its guard")
        self.kill()

    def _is_over(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self, number: int) -> int:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        _, status = os.waitpid(self.pid, 0)
        # A service manager waits until the last process of the service is gone, here the guard.
        self.wait_until(lambda: not self._has_processes(), "end of the guard")
        self.safe_state()
        if self.socket is not None:
            self.socket.close()
        return os.waitstatus_to_exitcode(status)

    def safe_state(self) -> None:
        """What `ExecStopPost=` calls: `smile-gate safe-state`."""
        in_force = lines_in_force(load(self.folder / "gate.yaml"))
        make_safe(in_force, open_factory=lambda name: recording_factory(self.pins))

    def _has_processes(self) -> bool:
        """Whether a process that was started for this folder runs: the guard names it."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"{self.folder}/".encode() in path.read_bytes():
                    return True
        return False

    def records(self) -> list[Record]:
        """The log, whole; none where the gate was killed before it had laid one out."""
        try:
            with closing(Store.open(self.database, read_only=True)) as store:
                return list(store.records())
        except StoreError as error:
            if "empty" in str(error) or "no such file" in str(error):
                return []
            raise

    def journal(self) -> str:
        """What the daemon said."""
        return (self.folder / "journal").read_text()


@dataclass(frozen=True, slots=True)
class Balance:
    """What a gate's pins and its log say together."""

    on_after_s: float
    """How long the line stayed on after the harm, at most."""
    past_limit_s: float
    """How much longer than `max_on_s` the line was on, at most; negative if it never was."""
    unrecorded_grants: int
    """Times that the line went on without a grant that was committed before."""
    unrecorded_moves: int
    """Times that the line went off before the harm, and no record says why."""


def balance(gate: Gate, harmed_at: float) -> Balance:
    """Hold the pins' history against the log."""
    changes = [change for change in history(gate.pins) if change.pin == GATE_PIN]
    grants = [
        record.event.monotonic
        for record in gate.records()
        if record.event.kind in (EventKind.GRANTED, EventKind.OPERATOR_GRANTED)
    ]
    reasons = [record.event.monotonic for record in gate.records()]
    level, unrecorded, silent = False, 0, 0
    on_since, longest, past = 0.0, 0.0, -MAX_ON_S
    for change in changes:
        if change.level and not level:
            on_since = change.at
            before = [at for at in grants if at <= change.at]
            unrecorded += not before
            if before:
                grants.remove(before[-1])
        if level and not change.level:
            longest = max(longest, change.at - max(on_since, harmed_at))
            past = max(past, change.at - on_since - MAX_ON_S)
            near = any(abs(at - change.at) < 0.5 for at in reasons)
            near |= any(first <= change.at <= last for first, last in gate.kills)
            silent += not near and change.at < harmed_at - IN_FLIGHT_S
        level = change.level
    if level:
        longest = past = float("inf")
    return Balance(longest, past, unrecorded, silent)
