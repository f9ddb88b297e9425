"""A gate's world in virtual time: people, wires, a service manager; and what they were promised."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

import gate
import gate.service.start
from gate.config.load import load
from gate.core.domain import EventKind, State
from gate.errors import GateError
from gate.hardware import lines_file
from gate.hardware.from_config import lines_in_force, record_folders
from gate.hardware.make_safe import make_safe
from gate.interfaces.control.peer import Peer, Role
from gate.interfaces.control.protocol import Command, Request
from gate.service.commands import carry_out
from gate.service.daemon import Daemon
from gate.service.inbox import Call
from gate.system.emergency_latch import EmergencyLatch
from gate.system.systemd import Notifier
from tests.faults.calls import targets
from tests.faults.calls.pins import Lines
from tests.faults.calls.stand_ins import SMILES, Pipeline, answer_at_once
from tests.faults.calls.targets import EMERGENCY, EXIT, GATE, KEY, Targets
from tests.faults.calls.virtual_time import REAL, TIME
from tests.faults.calls.wiring import FPS, HOLD_S, MAX_ON_S, Variant, settings

log = logging.getLogger(__name__)

WITHIN_S = 2.0
"""An emergency and a press of the exit button are answered within this, in every fault."""
HEAL_S = 8.0
"""What mends itself has done so by then; after that an operator clears."""
GRACE_S = 0.3
"""Beyond `max_on_s`: a line that could not be driven is tried again 0.05 s later."""
LEAVES_S = 1.0
"""A camera's thread that waits for a late picture ends once its driver returns."""
SLACK_S = 0.02
OURS = f"{Path(gate.__file__).parent}/"
ALICE = Peer("alice", frozenset({Role.STEER}))
GRANTS = "SELECT count(*) FROM event JOIN what ON what.id = event.what WHERE what.kind = ?"
"""What another connection sees of the log is committed."""


class World:
    """What a gate meets, and what it owes. The script runs in a thread of its own."""

    def __init__(self, folder: Path, variant: Variant, the_targets: Targets) -> None:
        self.folder = folder
        self.variant = variant
        self.targets = the_targets
        self.lines = Lines(the_targets.counters["pins"], {EMERGENCY, EXIT, KEY})
        self.lines.on_drive = self._driven
        self.lines.closed = {KEY}
        self.broken: list[str] = []
        self.guest = False
        self.daemon: Daemon | None = None
        self.running = self.may_run = self.over = self._stop_asked = False
        self._pictures = 0
        self.open: bool | None = None if variant.fail_safe else False
        self._since = TIME.now
        """Since when the gate may be open at most by what was asked last."""
        self._pressed_at = -1e9
        self.lasts_s = HOLD_S
        """A hold or a pulse."""
        self._held_from: float | None = None
        """Since when a hold runs that is to be finished; None where none does."""
        self._stands = False
        """Whether there is an emergency that nobody cleared."""
        self._unseen = False
        """Whether an emergency began or ended while no gate ran to see it."""
        self.let_in = 0
        """Guests for whom the gate opened."""

    # What it is made of.

    def settings(self, **relay: Any) -> None:
        """Write the gate's settings."""
        values = settings(self.folder, self.variant, relay)
        self.lasts_s = relay.get("pulse_s", HOLD_S)
        with self.unharmed():
            (self.folder / "run").mkdir(exist_ok=True)
            (self.folder / "gate.yaml").write_text(json.dumps(values))  # JSON is YAML

    def install(self) -> None:
        """Put this world in the place of the real one."""
        counters = self.targets.counters
        targets.fail_threads(counters["threads"])
        targets.fail_processes(counters["processes"])
        capture = targets.failing_capture(counters["camera"], counters["camera-empty"], self._shoot)
        cv2.VideoCapture = capture  # type: ignore[misc]  # that is the harm
        card = SimpleNamespace(sha256="0" * 64, threshold=0.5)
        seeing = (SimpleNamespace(card=card, close=lambda: None), Pipeline())
        its: Any = gate.service.start
        its.load_model = lambda config: seeing
        its_own: Any = subprocess
        its_own.time = REAL
        answer_at_once()
        threading.excepthook = self._ended_by

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Do something in this thread that nobody counts or fails."""
        library = targets.library()
        library.calls_pause(1)
        try:
            yield
        finally:
            library.calls_pause(0)

    def _shoot(self) -> Any:
        TIME.sleep(1 / FPS)
        self._pictures += 1
        image = np.zeros((24, 32, 3), np.uint8)
        image[0, 0] = SMILES if self.guest else 0
        image[1:, :, 1] = 60 + self._pictures % 2 * 80
        return image

    # The service manager: runs it, and again after an end that it did not ask for.

    def serve(self) -> None:
        """Run the gate until the script is over; called in the main thread."""
        while not self.over:
            if not self.may_run:
                TIME.sleep(0.01)
                continue
            self._run()
            TIME.sleep(0.5)

    def _run(self) -> None:
        with self.unharmed():
            config = load(self.folder / "gate.yaml")
        self._stop_asked = False
        self.daemon = Daemon(
            config,
            path=self.folder / "gate.yaml",
            factory=self.lines.factory(),
            notifier=Notifier({}),
        )
        self.running = True
        try:
            self.daemon.run()
        except GateError as error:
            self._ended(str(error))
        except BaseException as error:
            self._ended(f"{type(error).__name__}: {error} at {_where(error)}")
        else:
            if not self._stop_asked:
                self._ended("by itself")
        self.running = False
        self.daemon = None
        self._safe_state()
        TIME.sleep(LEAVES_S)
        left = [one.name for one in TIME.threads if one.is_alive() and one.name != "script"]
        self.promise(not left, f"threads left after the end: {', '.join(left)}")

    def _ended(self, why: str) -> None:
        no_line = self.targets.line == GATE and not hasattr(self.daemon, "parts")
        self.promise(no_line, f"the process ended: {why}")

    def _safe_state(self) -> None:
        """What `ExecStopPost=` calls, where the stop left a line that is not at rest."""
        if self.open is self._stands or self._unseen:
            return
        with self.unharmed():
            self.targets.mend()
            config = load(self.folder / "gate.yaml")
            folders = record_folders(config)
            recorded = next(filter(None, map(lines_file.read, folders)), lines_in_force(config))
            latched = EmergencyLatch(folders).is_set()
            make_safe(recorded, emergency=latched, open_factory=lambda name: self.lines.factory())
        self.promise(self.open is self._stands, "the lines are not at rest after safe-state")

    # What people do.

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        TIME.sleep(seconds)

    def until(self, condition: Callable[[], bool], within_s: float = WITHIN_S) -> bool:
        """Wait for something; whether it came."""
        give_up = TIME.now + within_s
        while not condition():
            if TIME.now >= give_up:
                return False
            TIME.sleep(0.01)
        return True

    def press(self) -> None:
        """Press the exit button, and hold it for a moment."""
        self._pressed_at = TIME.now
        self._since = self._held_from = TIME.now
        self._touch(self.lines.press, EXIT)
        TIME.sleep(0.15)
        self._touch(self.lines.release, EXIT)

    def alarm(self) -> None:
        """Close the emergency contact."""
        self._stands = True
        self._held_from = None
        self._unseen = self.state is None
        self._touch(self.lines.press, EMERGENCY)

    def calm(self) -> None:
        """Open the emergency contact; the emergency latches."""
        self._touch(self.lines.release, EMERGENCY)

    def turn_key(self) -> None:
        """Turn the key switch off and on: that ends an emergency, and begins a time to shut."""
        self._touch(self.lines.release, KEY)
        TIME.sleep(0.12)
        self._stands, self._since = False, TIME.now
        self._unseen |= self.state is None
        self._touch(self.lines.press, KEY)
        TIME.sleep(0.12)

    def operate(self, command: Command) -> None:
        """Ask for what an operator asks for by `smile-gate`."""
        daemon = self.daemon
        if daemon is not None and hasattr(daemon, "parts"):
            request = Request(command, ALICE, "mended")
            daemon.inbox.post(Call(lambda: carry_out(daemon.parts, request, TIME.now)))

    def mend(self) -> None:
        """Mend what fails; a gate that could not shut, or see its key, has its time from now."""
        self._since = TIME.now + HEAL_S if self.lost(EMERGENCY, KEY) else self._since
        self.targets.mend()

    def stop(self) -> None:
        """Stop the gate as SIGTERM does, and wait for its end."""
        self._stop_asked = True
        if self.daemon is not None:
            self.daemon.stop()
        self.promise(self.until(lambda: not self.running, 30), "it did not stop within 30 s")

    def reload(self) -> None:
        """Ask for what SIGHUP asks for."""
        if self.daemon is not None:
            self.daemon._on_hangup()

    def _touch(self, move: Callable[[int], None], pin: int) -> None:
        try:
            move(pin)
        except Exception as error:  # gpiozero's own errors end its thread: the gate restarts it
            self.promise(
                "/gate/" not in _where(error),
                f"the thread of the inputs ended: {error!r} at {_where(error)}",
            )

    # What is promised.

    def promise(self, held: bool, text: str) -> bool:
        """Note a promise that was broken."""
        if not held and text not in self.broken:
            self.broken.append(text)
        return held

    @property
    def state(self) -> State | None:
        """The lane's state; None where no gate runs, or it has not come so far."""
        if not self.running or self.daemon is None or not hasattr(self.daemon, "parts"):
            return None
        return self.daemon.parts.lane.controller.lane.state

    def lost(self, *pins: int) -> bool:
        """Whether the driver of one of these lines fails for good, or that of the gate's."""
        counter = self.targets.counters["pins"]
        goes_on = bool(counter.struck and counter.forever and counter.index)
        return goes_on and counter.line in (GATE, *pins)

    def _driven(self, pin: int, level: bool) -> None:
        if pin != GATE:
            return
        before, self.open = self.open, level is not self.variant.fail_safe
        if self.open and before is False:
            self._opened()
        if before and not self.open:
            self.hold_to_limit()
            self._hold_to_hold()

    def _opened(self) -> None:
        if self._stands:
            return
        self._since = self._held_from = TIME.now
        if TIME.now - self._pressed_at <= WITHIN_S:
            return
        self.let_in += 1
        granted = self._granted()
        self.promise(
            granted >= self.let_in,
            f"opened for guest {self.let_in}, with {granted} grants in the log",
        )

    def hold_to_limit(self) -> None:
        """Nothing is on for longer than `max_on_s` after what it was opened by last."""
        on_s = TIME.now - self._since
        lasts = self._stands or self.state is State.EMERGENCY  # its key cannot be seen to be turned
        held = lasts or self.lost(EMERGENCY, KEY) or on_s <= MAX_ON_S + GRACE_S
        self.promise(held, f"open for {on_s:.2f} s, past max_on_s")

    def _hold_to_hold(self) -> None:
        """No fault but the relay's own ends a hold, and a press lengthens it."""
        begun, self._held_from = self._held_from, None
        if begun is None or self._stop_asked or self.lost(EXIT) or self.targets.line == GATE:
            return
        on_s = TIME.now - begun
        self.promise(on_s > self.lasts_s - SLACK_S, f"a hold ended after {on_s:.2f} s")

    def _granted(self) -> int:
        with self.unharmed():
            try:
                with closing(sqlite3.connect(self.folder / "audit.db")) as connection:
                    (found,) = connection.execute(GRANTS, (EventKind.GRANTED,)).fetchone()
                    return int(found)
            except sqlite3.Error as error:
                log.error("the log cannot be read: %s", error)
                return -1

    def _ended_by(self, arguments: Any) -> None:
        name = getattr(arguments.thread, "name", "?")
        self.promise(
            False,
            f"thread '{name}' ended: {arguments.exc_value!r} at {_where(arguments.exc_value)}",
        )


def _where(error: BaseException) -> str:
    """The innermost place in the gate's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if one.filename.startswith(OURS)]
    place = (own or frames)[-1]
    return f"{place.filename.removeprefix(str(Path(OURS).parent))}:{place.lineno}"
