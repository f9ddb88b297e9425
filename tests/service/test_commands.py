"""What operators ask, done to real parts with mock pins; the loop is turned by hand."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from gate.config import Config
from gate.config.changes import differences
from gate.config.load import load
from gate.core.domain import Event, EventKind, Position, Reason, Record, Signal, State, Trigger
from gate.core.machine import missed
from gate.core.recorder import Batch, Outcome
from gate.errors import ConfigError, ControlError, ModelError, StoreError
from gate.interfaces.control.peer import Peer, Role
from gate.interfaces.control.protocol import Answer, Command, Principal, Request
from gate.interfaces.metrics.prometheus import PrometheusMeter
from gate.service.commands import Opening, carry_out, opened, with_kept
from gate.service.inbox import Inbox
from gate.service.parts import Parts
from gate.service.reload import ReloadPlan, apply, prepare
from gate.service.start import start
from gate.system.systemd import Notifier
from tests.daemons import WriteConfig

ALICE = Peer("alice", frozenset({Role.STEER}))
AUDITOR = Peer("carol", frozenset({Role.READ}))
PAGE = Peer("page", frozenset({Role.SPEAK, Role.WATCH}))
STRANGER = Peer("bob")
SHUT_DAY = {"hours": [{"days": [], "opens": "01:00", "closes": "02:00"}]}
"""Hours that never come: a span on no day."""


class Bench:
    """A gate without its loop."""

    def __init__(self, config: Path, stack: ExitStack) -> None:
        self.path = config
        self.pins = MockFactory()
        self.events: list[Event] = []
        self.inbox = Inbox()
        stack.callback(self.inbox.close)
        self.parts: Parts = start(
            load(config),
            config,
            stack,
            self.inbox,
            Notifier({}),
            factory=self.pins,
            on_event=self.events.append,
            on_frame=lambda observation, lane: None,
        )
        self.turn()

    def turn(self) -> None:
        """Take what was posted."""
        for letter in self.inbox.poll(0)[0]:
            assert isinstance(letter, Signal)
            if self.parts.lane.closures.still(letter):
                self.parts.lane.controller.process(letter, time.monotonic())

    def ask(
        self,
        command: Command,
        reason: str | None = None,
        peer: Peer = ALICE,
        principal: Principal | None = None,
    ) -> Any:
        answer = self.answer(command, reason, peer, principal)
        return answer.get("said", answer.get("status"))

    def answer(
        self,
        command: Command,
        reason: str | None = None,
        peer: Peer = ALICE,
        principal: Principal | None = None,
    ) -> Answer:
        """What the client gets."""
        request = Request(command, peer, reason, principal)
        done = carry_out(self.parts, request, time.monotonic())
        if isinstance(done, Opening):
            return opened(self.parts, done) or {}
        return with_kept(done)

    def reload(self, who: str = "alice") -> str:
        plan: ReloadPlan = prepare(self.parts, self.path)
        said = apply(self.parts, plan, who)
        self.turn()
        return said

    def state(self) -> State:
        return self.parts.lane.controller.lane.state

    def is_open(self) -> bool:
        return self.parts.lane.controller.lane.open

    def last(self, kind: EventKind) -> Event:
        return [event for event in self.events if event.kind is kind][-1]


def refuse(events: Sequence[Event]) -> tuple[Record, ...]:
    raise StoreError(f"read-only, {len(events)} events")


@pytest.fixture
def bench(write_config: WriteConfig) -> Iterator[Callable[..., Bench]]:
    """Start a gate, as often as a test wants; each start ends the one before."""
    with ExitStack() as all_of_them:
        running = all_of_them.enter_context(ExitStack())

        def begin(**sections: dict[str, object]) -> Bench:
            running.close()
            return Bench(write_config(**sections), running)

        yield begin


def test_a_guest_is_let_in_by_hand(bench: Callable[..., Bench]) -> None:
    """The relay moves, and the log says who and why; a second order lengthens the hold."""
    gate = bench(relay={"hold_s": 9})
    assert gate.ask(Command.OPEN, "a pram") == "the gate is open for 9 s"
    assert gate.parts.hardware.relay.position is Position.GRANTED
    event = gate.last(EventKind.OPERATOR_GRANTED)
    assert (event.who, event.detail, event.reason) == ("alice", "a pram", Reason.OPERATOR)
    since = gate.parts.lane.controller.lane.since
    assert gate.ask(Command.OPEN, "another pram") == "the gate is open for 9 s"
    assert gate.parts.lane.controller.lane.since > since
    assert gate.last(EventKind.OPERATOR_GRANTED).detail == "another pram"


def test_a_closed_lane_opens_by_hand_too(bench: Callable[..., Bench]) -> None:
    """Hours and an operator's close are for guests, not for the operator."""
    gate = bench()
    gate.ask(Command.CLOSE)
    assert "is open" in gate.ask(Command.OPEN, "the mechanic")


def test_nothing_opens_in_an_emergency(bench: Callable[..., Bench]) -> None:
    """Refused is refused, with the state and the way out of it in the line."""
    gate = bench()
    gate.parts.lane.controller.process(
        Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT), time.monotonic()
    )
    with pytest.raises(ControlError, match="emergency; end that first: smile-gate clear-fault"):
        gate.ask(Command.OPEN, "please")
    assert EventKind.OPERATOR_GRANTED not in [event.kind for event in gate.events]


def test_a_grant_that_cannot_be_recorded_is_refused(bench: Callable[..., Bench]) -> None:
    """Without its record nobody is let in, not even by hand, and the operator is told why."""
    gate = bench()
    with gate.parts.log.store.session.driver() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(ControlError, match="did not open: fault_store"):
        gate.ask(Command.OPEN, "a pram")
    assert gate.parts.hardware.relay.position is Position.SAFE


class SilentWriter:
    """A log that answers when a test says so."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def submit(self, batch: Batch, now: float) -> None:
        self.batches.append(batch)


def begin_to_open(gate: Bench) -> tuple[Opening, Outcome]:
    """Ask to open; gives what the log is going to say of it."""
    log = SilentWriter()
    gate.parts.lane.controller._writer = log
    request = Request(Command.OPEN, ALICE, "a pram")
    opening = carry_out(gate.parts, request, time.monotonic())
    assert isinstance(opening, Opening)
    assert opened(gate.parts, opening) is None
    return opening, Outcome(log.batches[0], number=7)


def test_an_opening_that_is_over_already_was_one(bench: Callable[..., Bench]) -> None:
    """Who passes within milliseconds does not turn the answer into a refusal."""
    gate = bench()
    opening, outcome = begin_to_open(gate)
    gate.parts.lane.controller.settle(outcome, time.monotonic())
    gate.parts.lane.controller.process(Signal(Trigger.PASSED), time.monotonic())
    assert gate.state() is State.REARMING
    assert "is open" in str(opened(gate.parts, opening))


@pytest.mark.parametrize("other", [Trigger.REQUEST_TO_EXIT, Trigger.OPERATOR_GRANT])
def test_a_gate_that_another_opened_is_no_answer_to_a_lapsed_opening(
    bench: Callable[..., Bench], other: Trigger
) -> None:
    """Nor is the next grant's waiting: this one did not open, and says so."""
    gate = bench()
    controller = gate.parts.lane.controller
    opening, _ = begin_to_open(gate)
    controller.process(missed("too slow"), time.monotonic())
    controller.process(Signal(other, Reason.OPERATOR), time.monotonic())
    with pytest.raises(ControlError, match="did not open: fault_store"):
        opened(gate.parts, opening)


def test_a_close_holds_through_restarts_and_hours(bench: Callable[..., Bench]) -> None:
    """What the log says last of the operator's will is what holds."""
    gate = bench()
    assert "until: smile-gate reopen" in gate.ask(Command.CLOSE, "wet floor")
    assert not gate.is_open()
    gate = bench()
    assert not gate.is_open()
    gate.parts.lane.closures.by_hours(True)
    gate.turn()
    assert not gate.is_open()
    order = gate.ask(Command.STATUS)["lane"]
    assert (order["closed_by"], order["who"], order["why"]) == (["operator"], "alice", "wet floor")
    assert "already by alice" in gate.ask(Command.CLOSE)
    assert gate.ask(Command.REOPEN) == "the lane is open again"
    assert gate.is_open()
    assert bench().is_open()


def test_a_close_outside_of_the_hours_holds_when_they_begin(bench: Callable[..., Bench]) -> None:
    """An order that does not move the lane now is recorded all the same."""
    gate = bench(lane=SHUT_DAY)
    assert not gate.is_open()
    gate.ask(Command.CLOSE, "winter")
    assert gate.last(EventKind.LANE_CLOSED).who == "alice"
    assert not bench().is_open()


def test_reopening_leaves_the_hours_their_say(bench: Callable[..., Bench]) -> None:
    """The operator's close is over, the lane stays closed, and both are said and recorded."""
    gate = bench(lane=SHUT_DAY)
    gate.ask(Command.CLOSE)
    assert gate.ask(Command.REOPEN) == "taken back, but kept closed by the opening hours"
    assert gate.last(EventKind.CLOSE_LIFTED).who == "alice"
    with pytest.raises(ControlError, match="no operator closed the lane; kept closed by the open"):
        gate.ask(Command.REOPEN)
    assert bench().is_open()


def test_an_order_that_is_late_does_not_undo_a_close(bench: Callable[..., Bench]) -> None:
    """Hours that opened a moment before the operator closed are not taken after it."""
    gate = bench(lane=SHUT_DAY)
    gate.parts.lane.closures.by_hours(True)  # posted, not taken yet
    gate.ask(Command.CLOSE)
    gate.turn()
    assert not gate.is_open()


def test_an_emergency_is_cleared_by_hand_once_its_contact_rests(
    bench: Callable[..., Bench],
) -> None:
    """While the contact asks for it nothing ends it; then it ends, and the log says by whom."""
    gate = bench(inputs={"emergency": {"pin": 5, "debounce_s": 0}})
    contact = gate.pins.pin(5)
    contact.drive_low()
    gate.turn()
    assert gate.state() is State.EMERGENCY
    with pytest.raises(ControlError, match="still asks for it"):
        gate.ask(Command.CLEAR_FAULT)
    contact.drive_high()
    gate.turn()
    assert gate.state() is State.EMERGENCY
    assert gate.ask(Command.CLEAR_FAULT) == "the emergency is over"
    assert gate.state() is State.IDLE
    assert gate.parts.hardware.relay.position is Position.SAFE
    assert gate.last(EventKind.EMERGENCY_CLEARED).who == "alice"


def test_the_pause_after_crashes_is_cleared_by_hand(bench: Callable[..., Bench]) -> None:
    """An operator who knows better need not wait."""
    service: dict[str, object] = {"crash_starts": 2, "healthy_after_s": 3600}
    gate = bench(service=service)
    gate.parts.log.store.record([Event(EventKind.UNCLEAN_END, 0.0)] * 2)
    gate = bench(service=service)
    assert gate.state() is State.FAULT
    assert gate.ask(Command.CLEAR_FAULT) == "the pause after the crashes is over"
    assert gate.last(EventKind.RECOVERED).who == "alice"
    gate.parts.look_after(time.monotonic())
    assert gate.state() is State.IDLE
    assert bench(service=service).state() is State.IDLE, "what was cleared comes back at a restart"


def test_what_ends_by_itself_is_not_cleared(bench: Callable[..., Bench]) -> None:
    """A camera is not mended by a command; the line says what is wrong with it."""
    gate = bench()
    with pytest.raises(ControlError, match="there is no fault to clear"):
        gate.ask(Command.CLEAR_FAULT)
    fault = Signal(Trigger.FAULT, Reason.FAULT_CAMERA, detail="no picture")
    gate.parts.lane.controller.process(fault, time.monotonic())
    with pytest.raises(ControlError, match=r"fault_camera \(no picture\); that ends by itself"):
        gate.ask(Command.CLEAR_FAULT)


def test_a_status_names_operators_only_to_those_who_may_know(
    bench: Callable[..., Bench],
) -> None:
    """Who steers or reads the log sees who did it; everybody else only what happened."""
    gate = bench()
    gate.ask(Command.OPEN, "my cousin")
    gate.ask(Command.CLOSE, "lunch")
    personal = ("alice", "my cousin", "lunch")
    for peer in (ALICE, AUDITOR):
        told = str(gate.ask(Command.STATUS, peer=peer))
        assert all(word in told for word in personal)
    for peer in (PAGE, STRANGER):
        told = str(gate.ask(Command.STATUS, peer=peer))
        assert not any(word in told for word in personal)
        assert "operator_granted" in told


def test_what_a_speaker_does_is_recorded_as_said_by_them(bench: Callable[..., Bench]) -> None:
    """The log never has a person's bare name on a speaker's word, and it has the device."""
    gate = bench()
    anna = Principal("anna", "tablet at lane 1")
    gate.ask(Command.OPEN, "a pram", PAGE, anna)
    event = gate.last(EventKind.OPERATOR_GRANTED)
    assert (event.who, event.detail) == ("anna via page", "a pram; at tablet at lane 1")
    gate.ask(Command.CLOSE, None, PAGE, anna)
    event = gate.last(EventKind.LANE_CLOSED)
    assert (event.who, event.detail) == ("anna via page", "tablet at lane 1")
    gate.ask(Command.REOPEN, "dry", PAGE, Principal("root via page"))
    assert gate.last(EventKind.LANE_OPENED).who == "root via page via page"
    gate.parts.lane.controller.process(
        Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT), time.monotonic()
    )
    gate.ask(Command.CLEAR_FAULT, None, PAGE, anna)
    assert gate.last(EventKind.EMERGENCY_CLEARED).who == "anna via page"


def test_a_status_says_what_the_log_and_the_wires_say(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    """A log that was set aside, events that wait, inputs, faults with their newest detail."""
    (tmp_path / "audit.db").write_bytes(b"no database at all" * 100)
    gate = bench(inputs={"door": {"pin": 6, "debounce_s": 0}})
    gate.pins.pin(6).drive_low()
    gate.turn()
    status = gate.ask(Command.STATUS)
    assert status["log"]["set_aside"].startswith("audit.db.damaged-")
    assert status["log"]["sequence"] == gate.parts.log.store.sequence > 0
    assert status["inputs"] == [{"name": "door", "active": True}]
    gate.parts.log.store.record = refuse  # type: ignore[method-assign]  # a card that is read-only
    gate.parts.lane.controller.record(Event(EventKind.TAMPER, time.monotonic()))
    status = gate.ask(Command.STATUS)
    assert status["log"]["unwritten"] == 2  # and the fault itself
    assert not status["well"]
    assert "read-only" in status["faults"][0]["detail"]


def test_a_status_says_why_the_gate_does_not_open(bench: Callable[..., Bench]) -> None:
    """From what is in force now: the hours, an operator, a fault, the emergency's contact."""
    gate = bench(lane=SHUT_DAY, inputs={"emergency": {"pin": 5, "debounce_s": 0}})

    def why() -> Any:
        return gate.ask(Command.STATUS, peer=STRANGER)["why"]

    assert (why()["code"], why()["text"]) == ("schedule", "closed by the opening hours")
    gate.ask(Command.CLOSE, "lunch")
    assert why()["code"] == "operator"
    assert why()["remedy"] == "smile-gate reopen"
    assert "lunch" not in str(why())
    gate.pins.pin(5).drive_low()
    gate.turn()
    assert why()["code"] == "emergency_input"
    gate.pins.pin(5).drive_high()
    gate.turn()
    assert why()["code"] == "emergency"
    gate.ask(Command.CLEAR_FAULT)
    gate.turn()
    gate = bench()
    gate.ask(Command.REOPEN)
    assert why()["code"] == "idle"
    fault = Signal(Trigger.FAULT, Reason.FAULT_CAMERA, detail="no picture for 2 s")
    gate.parts.lane.controller.process(fault, time.monotonic())
    assert why()["code"] == "fault_camera"
    gate = bench()
    gate.ask(Command.OPEN, "a pram")
    assert (why()["code"], why()["text"]) == ("granted", "the gate is open")


def test_a_reload_changes_what_a_guest_is_asked(
    bench: Callable[..., Bench], write_config: WriteConfig
) -> None:
    """Rules, relay limits and the pipeline are the new ones at once; the log names each change."""
    gate = bench()
    pipeline, digest = gate.parts.vision.frames.pipeline, gate.parts.config.digest()
    write_config(
        smile={"threshold": 0.9, "frames": 12},
        eyes={"method": "haar"},
        relay={"hold_s": 11, "max_on_s": 12},
        store={"when_unwritable": "grant_and_journal"},
    )
    assert gate.reload().startswith("6 changed")
    control = gate.parts.lane.controller
    assert (control.rules.threshold, control.rules.frames, control.rules.hold_s) == (0.9, 12, 11)
    assert control.grants_unwritten
    assert gate.parts.hardware.relay.max_open_s == 12
    assert gate.parts.vision.frames.pipeline is not pipeline
    event = gate.last(EventKind.CONFIG_CHANGED)
    assert event.who == "alice"
    assert "smile.frames: 8 -> 12" in str(event.detail)
    assert "relay.max_on_s: 10.0 -> 12.0" in str(event.detail)
    newest = next(gate.parts.log.store.records(limit=1, newest_first=True))
    assert newest.origin.config == gate.parts.config.digest() != digest
    assert newest.origin.threshold == 0.9
    assert gate.reload() == "nothing changed"


def test_damage_to_the_log_opens_no_lane_that_an_operator_closed(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    """The close holds on, in the new log too, until it is taken back."""
    gate = bench()
    gate.ask(Command.CLOSE, "wet floor")
    bench()
    for rest in tmp_path.glob("audit.db*"):
        rest.write_bytes(b"garbage" * 1000)
    gate = bench()
    assert gate.parts.log.store.set_aside is not None
    assert not gate.is_open()
    said = gate.last(EventKind.LANE_CLOSED)
    assert (said.who, said.detail) == ("alice", "wet floor")
    assert not bench().is_open()
    assert bench().ask(Command.REOPEN) == "the lane is open again"
    assert bench().is_open()
    assert not (tmp_path / "audit.closed.json").exists()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch, bench: Callable[..., Bench]) -> Callable[[Bench], None]:
    """Have the card of a gate take nothing more, neither the log nor a file beside it."""

    def fill(gate: Bench) -> None:
        def no_room(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(gate.parts.log.store, "record", refuse)
        monkeypatch.setattr("gate.system.durable.write", no_room)

    return fill


def test_a_close_that_could_not_be_kept_says_so(
    bench: Callable[..., Bench], full: Callable[[Bench], None]
) -> None:
    """The lane is closed, and whoever closed it hears that a restart forgets it, and why."""
    gate = bench()
    full(gate)
    answer = gate.answer(Command.CLOSE, "wet floor")
    assert not gate.is_open()
    assert answer["kept"] is False
    assert answer["said"].startswith("the lane is closed until: smile-gate reopen; BUT A RESTART F")
    assert (
        "audit.closed.json can't be written: No space left on device; free some" in answer["said"]
    )


def test_a_close_said_again_is_kept_once_there_is_room(
    bench: Callable[..., Bench],
    full: Callable[[Bench], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a full card could not take is tried anew with the next word."""
    gate = bench()
    full(gate)
    assert gate.answer(Command.CLOSE)["kept"] is False
    monkeypatch.undo()
    assert gate.answer(Command.CLOSE) == {
        "said": "the lane was closed already by alice",
        "kept": True,
    }
    assert not bench().is_open()


def test_a_close_that_only_a_file_could_take_outlasts_a_restart(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the log's own last word is an earlier reopening."""
    gate = bench()
    gate.ask(Command.CLOSE)
    gate.ask(Command.REOPEN)
    monkeypatch.setattr(gate.parts.log.store, "record", refuse)
    assert gate.answer(Command.CLOSE, "wet floor")["kept"] is True
    monkeypatch.setattr(gate.parts.log.writer, "submit", lambda batch, now: None)  # as if killed
    gate = bench()
    assert not gate.is_open()
    assert gate.last(EventKind.LANE_CLOSED).detail == "wet floor"


def test_a_reopening_that_could_not_be_kept_says_so(
    bench: Callable[..., Bench], full: Callable[[Bench], None]
) -> None:
    """The log still has the close: the next start closes the lane."""
    gate = bench()
    gate.ask(Command.CLOSE)
    full(gate)
    answer = gate.answer(Command.REOPEN)
    assert gate.is_open()
    assert answer["kept"] is False


def test_a_close_does_not_wait_for_a_log_that_hangs(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed at once; that it is kept nobody can say."""
    gate = bench()
    monkeypatch.setattr("gate.service.commands.KEEP_S", 0.01)
    monkeypatch.setattr(gate.parts.log.writer, "do", lambda work: None)
    answer = gate.answer(Command.CLOSE)
    assert not gate.is_open()
    assert answer["kept"] is False
    assert "the audit log does not answer" in answer["said"]


def test_a_close_that_nobody_can_read_is_a_close(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    """A file that was harmed keeps the lane shut, and an operator can open it."""
    (tmp_path / "audit.closed.json").write_bytes(b"\xff")
    gate = bench()
    assert not gate.is_open()
    gate.ask(Command.REOPEN)
    assert gate.is_open()


def test_a_change_by_a_restart_is_named_too(
    bench: Callable[..., Bench], write_config: WriteConfig, tmp_path: Path
) -> None:
    """The log says which settings are others than in the last run, also after a reload."""
    bench()
    gate = bench(smile={"frames": 12})
    assert gate.last(EventKind.CONFIG_CHANGED).detail == "smile.frames: 8 -> 12"
    write_config(smile={"frames": 9})
    gate.reload()
    gate = bench(smile={"frames": 10})
    assert gate.last(EventKind.CONFIG_CHANGED).detail == "smile.frames: 9 -> 10"
    gate.parts.log.store.record([Event(EventKind.BACKED_UP, 0.0)])
    (tmp_path / "audit.settings.json").write_bytes(b"\xff")
    gate = bench(smile={"frames": 13})
    assert re.fullmatch(
        "[0-9a-f]{12} -> [0-9a-f]{12}", str(gate.last(EventKind.CONFIG_CHANGED).detail)
    )


def test_settings_that_cannot_be_kept_stop_no_gate(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    """Where the place is taken, the gate starts all the same."""
    (tmp_path / "audit.settings.json").mkdir()
    assert bench().is_open()


def test_a_reload_of_the_hours_moves_the_lane(
    bench: Callable[..., Bench], write_config: WriteConfig
) -> None:
    """The calendar is the new one at once, and the log says that the schedule changed."""
    gate = bench()
    assert gate.is_open()
    write_config(lane=SHUT_DAY)
    gate.reload()
    assert not gate.is_open()
    event = gate.last(EventKind.SCHEDULE_CHANGED)
    assert event.who == "alice"
    assert "lane.hours: [] -> [{" in str(event.detail)
    write_config()
    gate.reload()
    assert gate.is_open()


def test_a_reload_of_the_camera_opens_it_anew(
    bench: Callable[..., Bench], write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread takes over, its frames are numbered on, and the password is not in the log."""
    gate = bench()
    camera = gate.parts.vision.frames.camera
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter2")
    write_config(camera={"source": "rtsp://gate:${CAMERA_PASSWORD}@127.0.0.1:9/live"})
    said = gate.reload()
    assert "hunter2" not in said + str(gate.last(EventKind.CONFIG_CHANGED).detail)
    assert "rtsp://***@127.0.0.1:9/live" in said
    assert gate.parts.vision.frames.camera is not camera
    assert gate.parts.vision.frames.camera.sequence >= camera.sequence
    assert "hunter2" not in str(gate.ask(Command.STATUS))


def test_a_reload_is_told_to_whoever_measures(
    bench: Callable[..., Bench], write_config: WriteConfig, tmp_path: Path
) -> None:
    """The metrics name the rate of pictures that is asked for now, not the one of the start."""
    metrics: dict[str, object] = {"textfile": str(tmp_path / "gate.prom")}
    gate = bench(metrics=metrics)
    write_config(metrics=metrics, camera={"fps": 5})
    gate.reload()
    meter = gate.parts.log.meter
    assert isinstance(meter, PrometheusMeter)
    assert meter.registry.get_sample_value("smile_gate_camera_fps_wanted") == 5


def test_what_needs_a_restart_refuses_the_whole_reload(
    bench: Callable[..., Bench], write_config: WriteConfig
) -> None:
    """Pins, the log's path and the socket: nothing is half applied, and the line says which."""
    gate = bench()
    before = gate.parts.config
    write_config(relay={"pin": 18}, smile={"frames": 3}, control={"group": "staff"})
    with pytest.raises(ConfigError, match=r"relay\.pin, control\.group can only .* restart"):
        gate.reload()
    assert gate.parts.config is before
    assert gate.parts.lane.controller.rules.frames == 8


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"smile": {"frames": 0}}, "smile.frames"),
        ({"smile": {"model": "none.tflite"}, "face": {"lost_s": 9}}, "none.tflite"),
        ({"camera": {"source": "/dev/video77"}, "face": {"lost_s": 9}}, "there is none now"),
        ({"camera": {"source": "none.avi"}}, "no video file or folder .*none.avi; nothing was"),
    ],
)
def test_a_bad_file_leaves_the_old_settings(
    bench: Callable[..., Bench],
    write_config: WriteConfig,
    sections: dict[str, dict[str, object]],
    said: str,
) -> None:
    """A mistake in the file, or a model or camera that is not there, changes nothing."""
    gate = bench()
    before = gate.parts.config
    write_config(**sections)
    with pytest.raises((ConfigError, ModelError), match=said):
        gate.reload()
    assert gate.parts.config is before
    assert gate.parts.lane.controller.rules.lost_s == 0.7


def test_a_calendar_that_cannot_be_made_leaves_the_old_settings(
    bench: Callable[..., Bench], write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calendar is made before anything is swapped, and looks at the hours then."""
    gate = bench()
    before, jobs = gate.parts.config, gate.parts.lane.jobs

    def fail(*_: object) -> bool:
        raise TypeError("hours that cannot be compared")

    write_config(lane=SHUT_DAY, smile={"frames": 3})
    with monkeypatch.context() as patch:
        patch.setattr("gate.service.jobs.is_open", fail)
        with pytest.raises(TypeError, match="hours that"):
            gate.reload()
    assert gate.parts.config is before
    assert gate.parts.lane.controller.rules.frames == 8
    assert gate.parts.lane.jobs is jobs
    assert jobs._scheduler is not None
    assert gate.is_open()
    assert EventKind.CONFIG_CHANGED not in [event.kind for event in gate.events]
    assert gate.ask(Command.STATUS)["state"] == "idle"


def test_every_setting_is_either_live_or_named_for_a_restart() -> None:
    """Differences are found in each section, lists and nested ones too."""
    new = Config.model_validate({"outputs": ({"name": "lamp", "pin": 4},), "gate": {"id": "west"}})
    assert [str(change) for change in differences(Config(), new)] == [
        "gate.id: gate-1 -> west",
        "outputs: [] -> [{active_high: true, flash_s: 1.0, flashes: [], name: lamp, pin: 4,"
        " shows: []}]",
    ]
