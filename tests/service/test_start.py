"""The order in which a gate starts, seen from starts that fail on the way."""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

import gate.vision.from_config
from gate.audit import Store
from gate.audit.from_config import open_store
from gate.config import Config
from gate.config.load import load
from gate.core.controller import RETRY_S
from gate.core.domain import Event, EventKind, Position, Reason, Signal, State, Trigger
from gate.core.lane_closures import OperatorClose
from gate.errors import ModelError, RelayError, StoreError
from gate.hardware import lines_file
from gate.hardware.make_safe import make_safe
from gate.service import log_file, model_loader, operator_close
from gate.service.inbox import Call, Inbox
from gate.service.nightly import nightly
from gate.service.parts import Parts
from gate.service.reload import apply, prepare
from gate.service.start import start
from gate.system import durable
from gate.system.emergency_latch import EmergencyLatch
from gate.system.systemd import Notifier
from tests.daemons import WriteConfig
from tests.fakes import no_thread_left
from tests.waiting import PATIENCE_S, until


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


def while_loading(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something while the model is being loaded, which is before the log is opened."""
    load_model = model_loader.load

    def load_slowly(config: Config) -> Any:
        act()
        return load_model(config)

    monkeypatch.setattr("gate.service.start.load_model", load_slowly)


def test_the_exit_opens_before_anything_else_is_there(
    starter: Starter, write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press does not wait for the model and the log; its hold goes on in the loop, on record."""
    opened: list[bool] = []

    def press_and_look() -> None:
        starter.pins.pin(6).drive_low()
        opened.append(bool(starter.pins.pin(17).state))

    while_loading(monkeypatch, press_and_look)
    parts = starter.start(write_config(inputs=EXIT, relay={"hold_s": 30, "max_on_s": 40}))
    assert opened == [True]
    assert parts.lane.controller.lane.state is State.GRANTED
    assert parts.hardware.relay.is_open
    kinds = [event.kind for event in starter.events]
    assert kinds.index(EventKind.OPERATOR_GRANTED) > kinds.index(EventKind.STARTED)
    starter.pins.pin(6).drive_high()
    parts.hardware.signals.poll(time.monotonic() + 10)
    starter.pins.pin(6).drive_low()
    *_, newest = parts.inbox.poll(0)[0]
    assert isinstance(newest, Signal)
    assert newest.trigger is Trigger.REQUEST_TO_EXIT


def test_the_exit_opens_while_the_card_takes_its_time(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written down on the card waits for the lines, and not they for it."""
    write, opened = durable.write, []

    def write_slowly(path: Path, *arguments: Any, **options: Any) -> None:
        if path == tmp_path / "card" / lines_file.NAME:
            starter.pins.pin(6).drive_low()
            opened.append(bool(starter.pins.pin(17).state))
        write(path, *arguments, **options)

    monkeypatch.setattr(durable, "write", write_slowly)
    config = write_config(inputs=EXIT, store={"path": str(tmp_path / "card" / "audit.db")})
    starter.start(config)
    assert opened == [True]
    assert lines_file.read(tmp_path) == lines_file.read(tmp_path / "card") is not None


def test_an_early_hold_ends_by_itself_and_is_on_record(
    starter: Starter, write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the start takes: the line is off in time, and the gate is not opened again."""

    def press_and_wait() -> None:
        starter.pins.pin(6).drive_low()
        assert starter.pins.pin(17).state
        until(lambda: not starter.pins.pin(17).state, "the end of the hold")

    while_loading(monkeypatch, press_and_wait)
    parts = starter.start(write_config(inputs=EXIT, relay={"hold_s": 0.5}))
    assert not parts.hardware.relay.is_open
    assert parts.hardware.relay.position is Position.SAFE
    assert parts.lane.controller.lane.faults == ()
    (granted,) = [event for event in starter.events if event.kind is EventKind.OPERATOR_GRANTED]
    assert str(granted.detail).startswith("pressed while the gate started")
    assert granted.reason is Reason.REQUEST_TO_EXIT


def test_a_lost_edge_of_the_exit_is_found_before_the_loop_runs(
    starter: Starter, write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The levels are looked at from the moment that the lines are there."""

    def press_unheard() -> None:
        starter.pins.pin(6)._state = False
        until(lambda: bool(starter.pins.pin(17).state), "an open gate")

    while_loading(monkeypatch, press_unheard)
    starter.start(write_config(inputs=EXIT))
    assert EventKind.OPERATOR_GRANTED in [event.kind for event in starter.events]


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
        operator_close.keep(None, state / "audit.db", OperatorClose("anna", "cleaning"))
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


READS = ("records", "newest", "next_visit", "operators_word", "newest_run")
ERRORS = (StoreError("the card doesn't read"), sqlite3.OperationalError("disk I/O error"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("read", READS)
def test_a_log_that_opens_and_cannot_be_read_is_a_fault_of_the_log(
    starter: Starter,
    write_config: WriteConfig,
    monkeypatch: pytest.MonkeyPatch,
    read: str,
    error: Exception,
) -> None:
    """Whatever the start asks of it, the exit opens; the fault ends once it can be read again."""

    def fail(*_: object, **__: object) -> None:
        raise error

    def open_and_break(*arguments: Any, **options: Any) -> Store:
        store = open_store(*arguments, **options)
        setattr(store, read, fail)
        return store

    monkeypatch.setattr(log_file, "open_store", open_and_break)
    parts = starter.start(write_config(inputs=EXIT))
    assert parts.lane.controller.is_at_fault(Reason.FAULT_STORE)
    press(parts, starter.pins)
    assert parts.hardware.relay.position is Position.GRANTED
    monkeypatch.undo()
    open_the_log(parts)
    assert not parts.lane.controller.is_at_fault(Reason.FAULT_STORE)


def test_a_damaged_row_that_a_start_reads_is_set_aside(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """The start goes on with a new log, as with any other damage."""
    database = tmp_path / "audit.db"
    with closing(Store.open(database)) as store:
        store.record([Event(EventKind.RECOVERED, 0.0, reason=Reason.FAULT_CAMERA)])
        store.record([Event(EventKind.FACE_SEEN, 0.0, visit=1)] * 220)
    with closing(sqlite3.connect(database, isolation_level=None)) as log:
        for (name,) in log.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
            log.execute(f"DROP TRIGGER {name}")
        log.execute("UPDATE what SET reason = 'nonsense' WHERE kind = 'recovered'")
    parts = starter.start(write_config())
    assert parts.log.store.set_aside is not None


def open_the_log(parts: Parts) -> None:
    """Have the log tried again, and take what that posted."""
    parts.log.file._failed_at = -math.inf
    parts.lane.controller.tick(time.monotonic() + RETRY_S)
    for letter in parts.inbox.poll(0)[0]:
        if isinstance(letter, Call):
            letter.run()


def hide_the_log(tmp_path: Path, *events: Event) -> Callable[[], None]:
    """Make a log with these events, and put a folder in its place; gives what takes that away."""
    database, hidden = tmp_path / "audit.db", tmp_path / "hidden.db"
    with closing(Store.open(database)) as store:
        store.record([Event(EventKind.STARTED, 0.0), *events])
    database.rename(hidden)
    database.mkdir()

    def give_back() -> None:
        database.rmdir()
        hidden.rename(database)

    return give_back


CLOSED = Event(EventKind.LANE_CLOSED, 0.0, reason=Reason.OPERATOR, who="anna")
IN_EMERGENCY = Event(EventKind.EMERGENCY, 0.0, after=State.EMERGENCY)


@pytest.mark.parametrize("reopened", [False, True])
def test_a_log_that_opens_late_closes_no_lane_that_was_reopened_meanwhile(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, reopened: bool
) -> None:
    """What an operator says in this run is newer than what the log says of the one before."""
    give_back = hide_the_log(tmp_path, CLOSED)
    parts = starter.start(write_config())
    closures = parts.lane.closures
    if reopened:
        closures.by_operator(OperatorClose("bob"))
        closures.by_operator(None)
    give_back()
    open_the_log(parts)
    assert (closures.closing is None) is reopened


@pytest.mark.parametrize("cleared", [False, True])
def test_a_log_that_opens_late_renews_no_emergency_that_was_cleared_meanwhile(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, cleared: bool
) -> None:
    """One that nobody cleared goes on."""
    give_back = hide_the_log(tmp_path, IN_EMERGENCY)
    parts = starter.start(write_config())
    if cleared:
        for trigger in (Trigger.EMERGENCY, Trigger.EMERGENCY_CLEARED):
            parts.lane.controller.process(Signal(trigger), time.monotonic())
    give_back()
    open_the_log(parts)
    assert (parts.lane.controller.lane.state is State.EMERGENCY) is not cleared


def test_a_log_that_opens_late_tells_of_crashes(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """The lane stays shut as if the log had been there from the start."""
    give_back = hide_the_log(tmp_path, *[Event(EventKind.UNCLEAN_END, 0.0)] * 2, CLOSED)
    parts = starter.start(write_config(service={"crash_starts": 3}))
    give_back()
    open_the_log(parts)
    assert parts.lane.controller.is_at_fault(Reason.FAULT_CRASH_LOOP)


def test_a_log_that_opens_while_the_run_begins_is_taken_up(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its close and its unclean end count, however early the late opening comes."""
    give_back = hide_the_log(tmp_path, CLOSED)
    find = operator_close.find

    def give_back_and_find(*arguments: Any) -> Any:
        give_back()
        return find(*arguments)

    monkeypatch.setattr(log_file, "PAUSE_S", 0.0)
    monkeypatch.setattr(operator_close, "find", give_back_and_find)
    parts = starter.start(write_config(service={"crash_starts": 1}))
    open_the_log(parts)
    assert parts.lane.closures.closing == OperatorClose("anna")
    kinds = [record.event.kind for record in parts.log.store.records()]
    assert kinds[:5][-2:] == [EventKind.UNCLEAN_END, EventKind.STARTED]


def test_how_the_last_run_ended_is_not_lost_where_the_late_log_refuses_at_first(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens, its first write fails: the next one has all of it."""
    give_back = hide_the_log(tmp_path)
    parts = starter.start(write_config())
    give_back()

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "record", refuse)
        open_the_log(parts)
    parts.lane.controller.tick(time.monotonic() + 2 * RETRY_S)
    kinds = [record.event.kind for record in parts.log.store.records()]
    assert kinds[2:4] == [EventKind.UNCLEAN_END, EventKind.STARTED]


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


def test_no_thread_left_is_a_fault_of_each_part_and_no_end(
    starter: Starter, write_config: WriteConfig
) -> None:
    """The start goes on and the exit opens; camera, calendar and log get theirs later."""
    with no_thread_left():
        parts = starter.start(write_config(inputs=EXIT, camera={"loop": True}))
        parts.log.writer.start()
        press(parts, starter.pins)
        assert parts.hardware.relay.position is Position.GRANTED
        parts.look_after(time.monotonic())
        assert "no thread" in str(parts.vision.frames.camera.problem)
    parts.look_after(time.monotonic() + 60)
    assert parts.vision.frames.camera._reader.thread.is_alive()
    assert parts.log.writer._thread is not None
    assert parts.lane.jobs._scheduler is not None


def test_a_reload_without_a_thread_is_applied_whole(
    starter: Starter, write_config: WriteConfig
) -> None:
    """Camera and calendar are the new ones, and get their threads later."""
    parts = starter.start(write_config())
    changed = {"store": {"upkeep_at": "04:44"}, "camera": {"loop": True}, "smile": {"frames": 7}}
    with no_thread_left():
        plan = prepare(parts, write_config(**changed))
        assert apply(parts, plan, "anna").startswith("3 changed")
    assert parts.config.smile.frames == parts.lane.controller.rules.frames == 7
    parts.look_after(time.monotonic() + 60)
    assert parts.vision.frames.camera._reader.thread.is_alive()
    assert parts.lane.jobs._scheduler is not None
    (job,) = parts.lane.jobs._scheduler.get_jobs()
    assert (job.next_run_time.hour, job.next_run_time.minute) == (4, 44)


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


def test_after_a_stop_in_an_emergency_safe_state_drives_its_position_too(
    starter: Starter, write_config: WriteConfig, tmp_path: Path
) -> None:
    """By the latch and the lines written down, on lines that the kernel did not keep."""
    parts = starter.start(write_config(inputs=FIRE, heartbeat={"pin": 22}))
    for letter in parts.inbox.poll(0)[0]:
        assert isinstance(letter, Signal)
        parts.lane.controller.process(letter, time.monotonic())
    parts.latch_emergency()
    parts.lane.controller.stop(time.monotonic())
    starter.stack.close()
    recorded = lines_file.read(tmp_path)
    assert recorded is not None
    floating = MockFactory()
    latched = EmergencyLatch([tmp_path]).is_set()
    results = make_safe(recorded, emergency=latched, open_factory=lambda name: floating)
    assert [str(result) for result in results] == [
        "gate on GPIO 17: in its emergency position, on",
        "heartbeat on GPIO 22: in its emergency position, off",
    ]
    assert floating.pin(17).state
    assert floating.pin(17).function == "output"


def test_what_was_started_is_stopped(starter: Starter, write_config: WriteConfig) -> None:
    """The end of the stack leaves no thread of the camera, and no line that is held."""
    parts = starter.start(write_config(camera={"loop": True}))
    reader = parts.vision.frames.camera._reader.thread
    assert reader.is_alive()
    starter.stack.close()
    assert not reader.is_alive()
    assert starter.pins.pin(17).function == "input"
