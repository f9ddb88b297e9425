"""What every turn of the loop looks after besides its frame."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from gate.config.load import load
from gate.core.domain import Event, EventKind, Position, Reason, Signal, State, Trigger
from gate.core.recorder import Outcome
from gate.errors import RelayError
from gate.service.inbox import Call, Inbox
from gate.service.parts import ENDS_AFTER_S, Parts
from gate.service.start import start
from gate.system.emergency_latch import EmergencyLatch
from gate.system.systemd import Notifier
from tests.daemons import WriteConfig
from tests.test_install import UNIT

PATIENCE_S = 30


class Bench:
    """A gate with an emergency contact, turned by hand."""

    def __init__(self, write_config: WriteConfig, stack: ExitStack) -> None:
        self.pins = MockFactory()
        self.events: list[Event] = []
        self.inbox = Inbox()
        path = write_config(inputs={"emergency": {"pin": 5, "debounce_s": 0}})
        self.parts: Parts = start(
            load(path),
            path,
            stack,
            self.inbox,
            Notifier({}),
            factory=self.pins,
            on_event=self.events.append,
            on_frame=lambda observation, lane: None,
        )

    def turn(self) -> None:
        for letter in self.inbox.poll(0.02)[0]:
            assert not isinstance(letter, Call)
            if isinstance(letter, Outcome):
                self.parts.lane.controller.settle(letter, time.monotonic())
            else:
                self.parts.lane.controller.process(letter, time.monotonic())
        self.parts.look_after(time.monotonic())

    def turn_until(self, kind: EventKind, reason: Reason) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not any((event.kind, event.reason) == (kind, reason) for event in self.events):
            assert time.monotonic() < give_up, self.events
            self.turn()


@pytest.fixture
def bench(write_config: WriteConfig) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(write_config, stack)


def test_a_lost_edge_of_the_emergency_opens_the_gate_in_the_next_turn(bench: Bench) -> None:
    """The level is looked at each turn; the lane hears of it in the one after."""
    bench.pins.pin(5)._state = False
    bench.turn()
    assert bench.parts.hardware.relay.position is Position.EMERGENCY
    bench.turn()
    assert bench.parts.lane.controller.lane.state is State.EMERGENCY


@pytest.mark.parametrize("ends", ["active", "cleared"])
def test_an_emergency_is_latched_in_memory_while_the_card_hangs(
    bench: Bench, tmp_path: Path, ends: str
) -> None:
    """The loop does not wait; once the card answers, it says what holds by then."""
    parts, hangs = bench.parts, threading.Event()
    memory, card = tmp_path / "run", tmp_path / "card"
    for folder in (memory, card):
        folder.mkdir()
    parts.health.latch = EmergencyLatch([memory, card])
    parts.log.writer.start()
    parts.log.writer.do(lambda: hangs.wait(PATIENCE_S))
    bench.pins.pin(5).drive_low()
    bench.turn()
    assert [parts.lane.controller.lane.state, *os.listdir(memory)] == [
        State.EMERGENCY,
        "emergency.json",
    ]
    assert os.listdir(card) == []
    if ends == "cleared":
        bench.pins.pin(5).drive_high()
        parts.lane.controller.process(Signal(Trigger.EMERGENCY_CLEARED), time.monotonic())
        bench.turn()
        assert os.listdir(memory) == []
    hangs.set()
    assert parts.log.writer.settle(PATIENCE_S)
    assert os.listdir(card) == ([] if ends == "cleared" else ["emergency.json"])


def test_a_gate_without_its_guard_says_so_until_it_has_another(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is at fault, lets people out only, and heals by itself."""

    def refuse(*command: object, **options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    parts = bench.parts
    first = parts.hardware.guard.pid
    assert first is not None
    monkeypatch.setattr("gate.hardware.guard.subprocess.Popen", refuse)
    os.kill(first, signal.SIGKILL)
    bench.turn_until(EventKind.FAULT, Reason.FAULT_GUARD)
    assert parts.lane.controller.lane.state is State.FAULT
    with pytest.raises(RelayError, match="guard does not watch"):
        parts.hardware.relay.grant()
    parts.hardware.relay.grant(way_out=True)
    assert parts.hardware.relay.is_open
    parts.hardware.relay.move(Position.SAFE)
    monkeypatch.undo()
    bench.turn_until(EventKind.RECOVERED, Reason.FAULT_GUARD)
    assert parts.hardware.guard.pid != first
    parts.hardware.relay.grant()
    parts.hardware.relay.move(Position.SAFE)


class HungCamera:
    """A camera that a thread of this process keeps, hanging in its driver."""

    hung, retrying, over, sequence = True, True, False, 0
    problem = "busy; only a restart helps"

    def supervise(self, now: float) -> None:
        """Nothing helps."""

    def close(self) -> None:
        """It does not."""


def test_a_gate_ends_for_a_hung_camera_only_once_that_harms_nobody(bench: Bench) -> None:
    """Not in its first seconds, not in a hold or an emergency, not while pictures come."""
    parts, now = bench.parts, time.monotonic()
    parts.vision.frames.camera.close()
    parts.vision.frames.camera = HungCamera()  # type: ignore[assignment]  # all that is asked
    late = parts.begun + ENDS_AFTER_S
    ends_in = set()
    for state in State:
        parts.lane.controller.lane = replace(parts.lane.controller.lane, state=state)
        assert parts.hung(late - 1) is None
        if parts.hung(late) is not None:
            ends_in.add(state)
    assert ends_in == {State.FAULT, State.CLOSED}
    parts.vision.frames.camera.hung = False  # type: ignore[misc]
    assert parts.hung(now + 2 * ENDS_AFTER_S) is None


def test_a_camera_that_never_comes_back_does_not_use_up_systemds_starts() -> None:
    """The unit allows ten starts in five minutes, then nobody would even get out."""
    starts, within_s = (int(UNIT[f"StartLimit{name}"][0]) for name in ("Burst", "IntervalSec"))
    assert within_s / ENDS_AFTER_S < starts - 2
    assert UNIT["Restart"] == ["always"]
