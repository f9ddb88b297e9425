"""The order in which a gate starts, seen from starts that fail on the way."""

from __future__ import annotations

import math
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

import gate.vision.from_config
from gate.audit import Store
from gate.config.load import load
from gate.core.controller import RETRY_S
from gate.core.domain import Event, EventKind, Position, Reason, Signal, State, Trigger
from gate.core.lane_closures import OperatorClose
from gate.errors import ModelError, RelayError
from gate.service import log_file, model_loader, operator_close
from gate.service.inbox import Call, Inbox
from gate.service.nightly import nightly
from gate.service.parts import Parts
from gate.service.reload import apply, prepare
from gate.service.start import start
from gate.system.systemd import Notifier
from tests.daemons import WriteConfig
from tests.waiting import PATIENCE_S


class Starter:
    """Starts a gate on mock pins, and keeps what it recorded."""

    def __init__(self) -> None:
        self.pins = MockFactory()
        self.events: list[Event] = []
        self.stack = ExitStack()

    def start(self, config: Path) -> Parts:
        inbox = Inbox()
        self.stack.callback(inbox.close)
        return start(
            load(config),
            config,
            self.stack,
            inbox,
            Notifier({}),
            factory=self.pins,
            on_event=self.events.append,
            on_frame=lambda observation, lane: None,
        )

    def relay_was_driven(self) -> bool:
        return any(state.state for state in self.pins.pin(17).states)


@pytest.fixture
def starter() -> Iterator[Starter]:
    one = Starter()
    with one.stack:
        yield one


def press(parts: Parts, pins: MockFactory) -> None:
    """Press the exit button, and take what was posted."""
    pins.pin(6).drive_low()
    for letter in parts.inbox.poll(0)[0]:
        assert isinstance(letter, Signal)
        parts.lane.controller.process(letter, time.monotonic())


EXIT = {"request_to_exit": {"pin": 6, "debounce_s": 0}}
WRITTEN = {
    *("audit.db", "audit.db-wal", "audit.db-shm", "lines.json", "emergency.json"),
    *("audit.settings.json", "audit.head.json", "audit.closed.json"),
}
FIRE = {"emergency": {"pin": 5, "debounce_s": 0, "wiring": "normally_closed"}}


@pytest.mark.parametrize("missing", ["the model", "the log"])
def test_the_way_out_needs_neither_model_nor_log(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, missing: str
) -> None:
    """A part that can't be started is at fault; the exit button opens, an emergency moves."""
    config = write_config(
        inputs=EXIT, smile={"model": "none.tflite"} if missing == "the model" else {}
    )
    if missing == "the log":
        (tmp_path / "audit.db").mkdir()
    parts = starter.start(config)
    part = Reason.FAULT_MODEL if missing == "the model" else Reason.FAULT_STORE
    assert parts.lane.controller.is_at_fault(part)
    press(parts, starter.pins)
    positions = [parts.hardware.relay.position]
    parts.lane.controller.process(Signal(Trigger.EMERGENCY), time.monotonic())
    positions.append(parts.hardware.relay.position)
    assert positions == [Position.GRANTED, Position.EMERGENCY]


def test_what_a_gate_writes_is_its_owners_only(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """Log, WAL, copies and all beside them, the camera's address among it, whatever the umask."""
    state = tmp_path / "state"
    state.mkdir()
    address = "rtsp://192.0.2.1/a1b2c3d4e5f60718293a"
    (state / "audit.settings.json").write_text("{}")
    config = write_config(
        camera={"source": address},
        inputs=FIRE,
        store={"path": str(state / "audit.db"), "backup_to": str(state / "copies")},
        control={"socket": str(tmp_path / "run" / "control.sock")},
    )
    before = os.umask(0)
    try:
        parts = starter.start(config)
        parts.lane.controller.process(Signal(Trigger.EMERGENCY), time.monotonic())
        parts.latch_emergency()
        operator_close.keep(state / "audit.db", OperatorClose("anna", "cleaning"))
        nightly(parts.log.store, parts.config.store)
        names = {path.name: path for path in tmp_path.rglob("*.*") if path.parent != tmp_path}
        modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in names.items()}
    finally:
        os.umask(before)
    assert modes.keys() >= WRITTEN
    assert {name for name, mode in modes.items() if mode != 0o600} == set()
    assert address in names["audit.settings.json"].read_text()


def test_an_emergency_opens_before_anything_else_is_there(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """A cut wire has moved the relay by the time that the log is looked for."""
    (tmp_path / "audit.db").mkdir()
    starter.start(write_config(inputs=FIRE))
    assert starter.relay_was_driven()


def test_a_log_that_can_be_opened_later_gets_all_that_happened(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """The start and the exit are in it, with a visit that no guest ever had; the fault heals."""
    database = tmp_path / "audit.db"
    with closing(Store.open(database)) as store:
        store.record([Event(EventKind.FACE_SEEN, 0.0, visit=41)])
    hidden = tmp_path / "hidden.db"
    database.rename(hidden)
    database.mkdir()
    parts = starter.start(write_config(inputs=EXIT))
    press(parts, starter.pins)
    database.rmdir()
    hidden.rename(database)
    parts.log.file._failed_at = -math.inf
    parts.lane.controller.tick(time.monotonic() + RETRY_S)
    assert not parts.lane.controller.is_at_fault(Reason.FAULT_STORE)
    events = [record.event for record in parts.log.store.records()]
    kinds = [event.kind for event in events]
    assert kinds[1:4] == [EventKind.FACE_SEEN, EventKind.UNCLEAN_END, EventKind.STARTED]
    (granted,) = [event for event in events if event.kind is EventKind.OPERATOR_GRANTED]
    assert granted.visit == 42
    assert kinds[-1] is EventKind.RECOVERED


def test_damage_that_nobody_foresaw_is_a_fault_of_the_log(
    starter: Starter, write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reading the log raises, the gate runs and the exit opens."""

    def fail(*_: object, **__: object) -> Store:
        raise IndexError("list index out of range")

    monkeypatch.setattr(log_file, "open_store", fail)
    parts = starter.start(write_config(inputs=EXIT))
    assert parts.lane.controller.is_at_fault(Reason.FAULT_STORE)
    press(parts, starter.pins)
    assert parts.hardware.relay.position is Position.GRANTED


def test_a_model_that_can_be_loaded_later_heals_the_gate(
    starter: Starter, write_config: WriteConfig
) -> None:
    """It is tried again in the background, and installed by the loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.vision.from_config, "EYES", "models/none.tflite")
        parts = starter.start(write_config())
    assert parts.vision.model == ""
    parts.look_after(time.monotonic() + model_loader.RETRY_S)
    thread = parts.health.loader._thread
    assert thread is not None
    thread.join(PATIENCE_S)
    for letter in parts.inbox.poll(0)[0]:
        if isinstance(letter, Call):
            letter.run()
    assert parts.vision.model
    assert not parts.lane.controller.is_at_fault(Reason.FAULT_MODEL)


def test_settings_can_be_reloaded_while_the_model_cannot_be_loaded(
    starter: Starter, write_config: WriteConfig
) -> None:
    """Hours and rules do not wait for a model; another model that fails is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.vision.from_config, "EYES", "models/none.tflite")
        parts = starter.start(write_config())
        plan = prepare(parts, write_config(smile={"frames": 3}))
        assert apply(parts, plan, "anna").startswith("1 changed")
        assert parts.lane.controller.rules.frames == 3
        with pytest.raises(ModelError):
            prepare(parts, write_config(smile={"frames": 3, "model": "none.tflite"}))


def test_lines_that_cannot_be_claimed_are_the_end_and_no_run(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """Nothing can be driven then, and nothing is recorded: the next start finds no crash."""
    starter.pins.reserve_pins(starter, 17)
    with pytest.raises(RelayError):
        starter.start(write_config())
    assert not (tmp_path / "audit.db").exists()


@pytest.mark.parametrize("lost", ["the log", "the file beside it"])
def test_an_emergency_survives_a_restart_until_it_is_cleared(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, lost: str
) -> None:
    """The contact at rest, the gate starts in the emergency; after it was cleared it does not."""
    config = write_config(inputs={"emergency": {"pin": 5, "debounce_s": 0}})
    parts = starter.start(config)
    parts.hardware.relay.trip()
    parts.lane.controller.process(Signal(Trigger.EMERGENCY), time.monotonic())
    parts.look_after(time.monotonic())
    starter.stack.close()
    (tmp_path / ("audit.db" if lost == "the log" else "emergency.json")).unlink()
    again = Starter()
    with again.stack:
        parts = again.start(config)
        assert parts.lane.controller.lane.state is State.EMERGENCY
        assert parts.hardware.relay.position is Position.EMERGENCY
        parts.lane.controller.process(Signal(Trigger.EMERGENCY_CLEARED), time.monotonic())
        parts.look_after(time.monotonic())
        assert EventKind.EMERGENCY_CLEARED in [event.kind for event in again.events]
    third = Starter()
    with third.stack:
        assert third.start(config).lane.controller.lane.state is not State.EMERGENCY


def test_a_stop_in_an_emergency_leaves_its_position(
    starter: Starter, write_config: WriteConfig
) -> None:
    """The stop is recorded, and the line stays where the emergency has it."""
    parts = starter.start(write_config(inputs=FIRE))
    for letter in parts.inbox.poll(0)[0]:
        assert isinstance(letter, Signal)
        parts.lane.controller.process(letter, time.monotonic())
    parts.lane.controller.stop(time.monotonic())
    starter.stack.close()
    assert starter.events[-1].kind is EventKind.STOPPED
    assert starter.pins.pin(17).state


def test_what_was_started_is_stopped(starter: Starter, write_config: WriteConfig) -> None:
    """The end of the stack leaves no thread of the camera, and no line that is held."""
    parts = starter.start(write_config(camera={"loop": True}))
    reader = parts.vision.frames.camera._reader.thread
    assert reader.is_alive()
    starter.stack.close()
    assert not reader.is_alive()
    assert starter.pins.pin(17).function == "input"
