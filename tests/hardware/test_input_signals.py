"""Contacts, their signals, and the emergency that does not wait for the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from gate.core.domain import GATE, Position, Reason, Signal, Trigger
from gate.core.lane_closures import LaneClosures
from gate.errors import RelayError
from gate.hardware.input_lines import InputLine, InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.relay import Relay
from tests.failing_pins import FailingFactory, FailingPin


class WiredPin(FailingPin):
    """A pin with a contact to ground, which is stronger than the pull resistor."""

    grounded = False

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        if self.grounded:
            self._change_state(False)


class Thread:
    """The library's thread that tells of edges."""

    def __init__(self) -> None:
        self.alive = True
        self.started = 0

    def is_alive(self) -> bool:
        return self.alive

    def restart(self) -> None:
        if not self.alive:
            self.alive = True
            self.started += 1


class Board:
    """Mock pins with a relay and wires, and what was posted to the loop."""

    def __init__(self, *, latches: bool = True, **contacts: InputLine) -> None:
        self.pins = FailingFactory()
        self.pins.pin_class = WiredPin
        self.now = 100.0
        self.thread = Thread()
        self.lines = OutputLines(self.pins, [OutputLine(GATE, 17)])
        self.posted: list[Signal] = []
        self.inputs = InputLines(self.pins, self.thread)
        self.closures = LaneClosures(self.posted.append)
        self.signals = InputSignals(
            self.inputs, self.posted.append, self.closures, latches=latches, clock=lambda: self.now
        )
        self.relay = Relay(self.lines, emergency_held=self.signals.emergency_held)
        self._contacts = contacts

    def connect(self) -> None:
        self.signals.connect(self.relay, self._contacts)

    def turn(self, seconds: float = 0.05) -> None:
        """Let the loop turn, after a while."""
        self.now += seconds
        self.signals.poll(self.now)

    def lose_edge(self, pin: int, *, closed: bool) -> None:
        """Change the level without anybody being told."""
        self.pins.pin(pin)._state = not closed

    def triggers(self) -> list[Trigger]:
        return [signal.trigger for signal in self.posted]

    def close_contact(self, pin: int) -> None:
        """Connect the input to ground."""
        self.pins.pin(pin).grounded = True
        self.pins.pin(pin).drive_low()

    def open_contact(self, pin: int) -> None:
        """Let the pull resistor have the line; so does a cut wire."""
        self.pins.pin(pin).grounded = False
        self.pins.pin(pin).drive_high()

    def close(self) -> None:
        self.pins.fails = lambda call: False
        self.inputs.close()
        self.relay.close()
        self.lines.close()


@pytest.fixture
def board() -> Iterator[Board]:
    it = Board(
        emergency=InputLine(5, normally_closed=True, debounce_s=0),
        request_to_exit=InputLine(6, debounce_s=0),
        passage=InputLine(13, debounce_s=0),
        door=InputLine(19, debounce_s=0),
        tamper=InputLine(26, normally_closed=True, debounce_s=0),
        assist=InputLine(16, debounce_s=0),
    )
    it.close_contact(5)
    it.close_contact(26)
    it.connect()
    yield it
    it.close()


def test_nothing_is_said_while_all_contacts_are_at_rest(board: Board) -> None:
    """Normally closed contacts are closed, the others open: no signal."""
    assert board.posted == []


def test_each_contact_has_its_signal(board: Board) -> None:
    """A press is one signal, a release none; the door says both."""
    for pin in (6, 13, 19, 16):
        board.close_contact(pin)
        board.open_contact(pin)
        board.turn()
    assert board.triggers() == [
        Trigger.REQUEST_TO_EXIT,
        Trigger.PASSED,
        Trigger.DOOR_OPENED,
        Trigger.DOOR_SHUT,
        Trigger.ASSIST,
    ]
    assert board.posted[0].who == "request to exit"


def test_a_cut_wire_is_noticed(board: Board) -> None:
    """A normally closed contact that opens, by its button or by a knife, speaks."""
    board.open_contact(26)
    assert board.triggers() == [Trigger.TAMPER]


def test_the_emergency_moves_the_relay_before_the_loop_knows(board: Board) -> None:
    """The gate is open although nobody has read the signal yet, and a late loop can't shut it."""
    board.open_contact(5)
    assert board.relay.is_open
    assert board.triggers() == [Trigger.EMERGENCY]
    board.relay.move(Position.SAFE)
    assert board.relay.is_open


def test_an_emergency_latches(board: Board) -> None:
    """A contact that is at rest again does not end the emergency by itself."""
    board.open_contact(5)
    board.close_contact(5)
    assert board.triggers() == [Trigger.EMERGENCY]


def test_an_emergency_that_is_there_at_the_start_is_told_at_once() -> None:
    """A gate that starts during a fire alarm opens."""
    board = Board(emergency=InputLine(5, normally_closed=True, debounce_s=0))
    board.open_contact(5)
    board.connect()
    assert board.relay.is_open
    assert board.triggers() == [Trigger.EMERGENCY]
    board.close()


def test_without_latching_the_contact_ends_the_emergency() -> None:
    """Where the config says so."""
    board = Board(latches=False, emergency=InputLine(5, debounce_s=0))
    board.connect()
    board.close_contact(5)
    board.open_contact(5)
    assert board.triggers() == [Trigger.EMERGENCY, Trigger.EMERGENCY_CLEARED]
    board.close()


def test_the_key_switch_is_the_master_of_the_hours() -> None:
    """Off, the lane is closed whatever the hours; on, they decide; and it ends an emergency."""
    board = Board(key_switch=InputLine(21, debounce_s=0))
    board.connect()
    board.closures.by_hours(True)
    assert board.posted == []
    board.close_contact(21)
    board.open_contact(21)
    assert board.triggers() == [Trigger.EMERGENCY_CLEARED, Trigger.OPENED, Trigger.CLOSED]
    board.closures.by_hours(False)
    board.turn()
    board.close_contact(21)
    assert board.triggers()[3:] == [Trigger.CLOSED, Trigger.EMERGENCY_CLEARED]
    board.close()


def test_the_key_switch_does_not_end_an_emergency_that_goes_on() -> None:
    """While the emergency contact asks for it, the key has no say."""
    board = Board(emergency=InputLine(5, debounce_s=0), key_switch=InputLine(21, debounce_s=0))
    board.connect()
    board.close_contact(5)
    board.close_contact(21)
    assert Trigger.EMERGENCY_CLEARED not in board.triggers()
    board.close()


@pytest.mark.parametrize("pull_up", [False, None])
def test_other_pulls_are_read_the_right_way_round(pull_up: bool | None) -> None:
    """With the Pi's pull-down a closed contact is high; with an outer pull-up it is low."""
    board = Board(passage=InputLine(13, pull_up=pull_up, debounce_s=0))
    pin = board.pins.pin(13)
    closed, opened = (pin.drive_high, pin.drive_low)
    if pull_up is None:
        closed, opened = opened, closed
        pin._pull = "up"  # the mock's floating line needs a level to rest at
        pin.drive_high()
    board.connect()
    closed()
    opened()
    assert board.triggers() == [Trigger.PASSED]
    board.close()


def test_a_pin_that_is_taken_is_one_clear_error() -> None:
    """Whoever asks for one input, as the doctor does, is told."""
    board = Board()
    with pytest.raises(RelayError, match=r"GPIO 17 cannot be claimed for inputs\.passage"):
        board.inputs.connect("passage", InputLine(17), lambda reading: None)
    board.close()


def test_an_input_that_cannot_be_claimed_is_a_fault_and_claimed_later() -> None:
    """The other inputs work meanwhile; the fault ends once the line is free."""
    board = Board(tamper=InputLine(22, debounce_s=0), passage=InputLine(13, debounce_s=0))
    board.pins.reserve_pins(board, 22)
    board.connect()
    board.turn()
    assert [(one.trigger, one.reason) for one in board.posted] == [
        (Trigger.FAULT, Reason.FAULT_INPUTS)
    ]
    board.pins.pin(13).drive_low()
    assert board.triggers()[-1] is Trigger.PASSED
    board.pins.release_pins(board, 22)
    board.turn(2)
    board.turn()
    assert board.triggers()[-1] is Trigger.RECOVERED
    board.pins.pin(22).drive_low()
    assert board.triggers()[-1] is Trigger.TAMPER
    board.close()


def test_a_key_whose_line_is_claimed_late_was_not_turned() -> None:
    """A key that is found on ends no emergency; turned off and on again it does."""
    board = Board(key_switch=InputLine(13, debounce_s=0))
    board.pins.reserve_pins(board, 13)
    board.connect()
    board.pins.pin(13).grounded = True
    board.turn()
    board.pins.release_pins(board, 13)
    board.turn(2)
    assert board.signals._inputs.is_claimed("key_switch")
    assert Trigger.EMERGENCY_CLEARED not in board.triggers()
    board.pins.pin(13).drive_high()
    board.turn()
    board.pins.pin(13).drive_low()
    board.turn()
    assert board.triggers().count(Trigger.EMERGENCY_CLEARED) == 1
    board.close()


def test_a_lost_emergency_edge_is_found_by_its_level(board: Board) -> None:
    """Within two turns of the loop the gate is open and the lane knows, whichever edge was lost."""
    board.lose_edge(5, closed=False)
    board.turn()
    board.turn()
    assert board.relay.is_open
    assert board.triggers() == [Trigger.EMERGENCY]
    assert board.signals.emergency_held()
    board.lose_edge(5, closed=True)
    board.turn()
    board.turn()
    assert not board.signals.emergency_held()
    board.relay.clear()
    board.relay.move(Position.SAFE)
    assert not board.relay.is_open


def test_a_lost_press_is_found_by_its_level(board: Board) -> None:
    """The exit button opens although nobody told of it, once for a press."""
    board.lose_edge(6, closed=True)
    for _ in range(5):
        board.turn()
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT]


def test_a_level_counts_once_it_has_lasted_as_long_as_its_contact_bounces() -> None:
    """A level that a single turn happens to see is no press."""
    board = Board(passage=InputLine(13, debounce_s=0.02))
    board.connect()
    board.lose_edge(13, closed=True)
    board.turn(0.01)
    board.lose_edge(13, closed=False)
    board.turn(0.03)
    assert board.triggers() == []
    board.lose_edge(13, closed=True)
    board.turn(0.01)
    board.turn(0.03)
    assert board.triggers() == [Trigger.PASSED]
    board.close()


def test_an_emergency_is_held_by_its_level_not_by_what_was_told(board: Board) -> None:
    """An operator cannot clear it while the contact is active, whatever the edges said."""
    board.lose_edge(5, closed=False)
    assert board.signals.emergency_held()


def test_an_edge_that_never_comes_is_a_fault_and_the_inputs_are_watched_anew(board: Board) -> None:
    """The watching starts again, and the next press is told by its edge."""
    board.lose_edge(19, closed=True)
    for _ in range(25):
        board.turn()
    told = [signal for signal in board.posted if signal.reason is Reason.FAULT_INPUTS]
    assert [signal.trigger for signal in told] == [Trigger.FAULT, Trigger.RECOVERED]
    assert told[0].detail == "inputs.door changed and its edge was not told"
    board.posted.clear()
    board.close_contact(6)
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT]


class LockAfter:
    """A lock of which something happens just before it is taken for the first time."""

    def __init__(self, first: Callable[[], None]) -> None:
        self._lock = threading.RLock()
        self._first: Callable[[], None] | None = first

    def __enter__(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            first()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_edges_that_come_while_the_levels_are_compared_are_no_fault(board: Board) -> None:
    """The press is told once, and its level is not held against it afterwards."""
    pressed = board.inputs._watched["request_to_exit"]

    def tell_of_press_and_release() -> None:
        board.lose_edge(6, closed=False)
        board.inputs._on_edge(pressed, True)
        board.inputs._on_edge(pressed, False)

    board.lose_edge(6, closed=True)
    pressed.lock = LockAfter(tell_of_press_and_release)
    for _ in range(30):
        board.turn()
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT]


def test_a_dead_thread_is_a_fault_and_is_started_again(board: Board) -> None:
    """The library starts its thread once; the gate sees that it has ended."""
    board.thread.alive = False
    board.turn()
    board.turn()
    assert board.thread.started == 1
    assert board.triggers() == [Trigger.FAULT, Trigger.RECOVERED]
    assert board.posted[0].detail == "the thread that tells of changes has ended"


def test_a_line_that_cannot_be_read_is_a_fault_until_it_can(board: Board) -> None:
    """The other contacts are still polled, and the fault names the one."""
    board.pins.fails = lambda call: call.pin == 26
    board.lose_edge(6, closed=True)
    for _ in range(30):
        board.turn()
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT, Trigger.FAULT]
    assert "inputs.tamper cannot be read" in str(board.posted[1].detail)
    board.pins.fails = lambda call: False
    for _ in range(30):
        board.turn()
    assert board.triggers()[2:] == [Trigger.RECOVERED]


@pytest.mark.parametrize("operation", ["read", "write"])
def test_an_emergency_is_told_and_served_whatever_the_relay_s_pin_does(
    board: Board, operation: str
) -> None:
    """No exception leaves the contact's handler, and the loop knows before the relay moves."""
    board.pins.fails = lambda call: (call.operation, call.pin) == (operation, 17)
    board.open_contact(5)
    assert board.triggers() == [Trigger.EMERGENCY]
    assert board.relay.is_open is (operation == "read")
    board.close_contact(6)
    assert board.triggers() == [Trigger.EMERGENCY, Trigger.REQUEST_TO_EXIT]


def test_a_handler_that_fails_does_not_end_the_library_s_thread(board: Board) -> None:
    """Whatever is raised stays here: the thread is that of all inputs."""

    def fail(signal: Signal) -> None:
        raise ValueError("in the loop's mailbox")

    board.signals._post = fail
    board.open_contact(5)
    assert board.thread.alive


@pytest.mark.parametrize("pin", [13, 19, 26, 16])
def test_a_chattering_contact_delays_nobody(board: Board, pin: int) -> None:
    """Of 500 chatters few are passed on; the exit button's press waits for none of them."""
    for number in range(500):
        (board.open_contact if number % 2 else board.close_contact)(pin)
        (board.close_contact if number % 2 else board.open_contact)(pin)
        if number % 25 == 24:
            board.turn()
    assert len(board.posted) <= 20
    waiting = len(board.posted)
    board.close_contact(6)
    assert board.triggers()[waiting] is Trigger.REQUEST_TO_EXIT
    for _ in range(300):
        board.turn()
    assert len(board.posted) <= 24
    if pin != 19:
        assert "more in" in str(board.posted[-1].detail)


def test_the_presses_of_an_exit_button_are_told_at_the_pace_of_a_hand(board: Board) -> None:
    """Somebody who presses again in a hold is heard; a button that chatters is summed up."""
    for _ in range(3):
        board.close_contact(6)
        board.open_contact(6)
        board.turn(0.5)
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT] * 3
    for _ in range(100):
        board.close_contact(6)
        board.open_contact(6)
    board.turn(0.5)
    assert len(board.posted) == 3
    board.turn(2.0)
    assert board.triggers() == [Trigger.REQUEST_TO_EXIT] * 4
    assert board.posted[3].detail == "99 more in 2.5 s"


def test_a_press_that_is_over_before_it_could_be_told_is_told(board: Board) -> None:
    """A door that opened and shut while others were passed on is both."""
    for _ in range(3):
        board.close_contact(19)
        board.open_contact(19)
    board.posted.clear()
    board.turn()
    assert board.triggers() == [Trigger.DOOR_OPENED, Trigger.DOOR_SHUT]


def test_chatter_that_ends_active_is_an_emergency() -> None:
    """Without latching too: whatever came in between, the last word is what the contact says."""
    board = Board(latches=False, emergency=InputLine(5, debounce_s=0))
    board.connect()
    for _ in range(50):
        board.close_contact(5)
        board.open_contact(5)
    board.close_contact(5)
    for _ in range(3):
        board.turn()
    raised = [signal for signal in board.posted if signal.trigger is not Trigger.FAULT]
    assert raised[-1].trigger is Trigger.EMERGENCY
    assert board.relay.is_open
    board.close()


def test_an_emergency_that_goes_on_is_told_again(board: Board) -> None:
    """A lane that was cleared at the wrong moment is in its emergency again a second later."""
    board.open_contact(5)
    board.posted.clear()
    for _ in range(12):
        board.turn(0.25)
    assert board.triggers() == [Trigger.EMERGENCY] * 3
    board.close_contact(5)
    board.posted.clear()
    board.turn(2.0)
    assert board.triggers() == []


def test_a_key_that_is_on_at_the_start_ends_no_emergency() -> None:
    """Only turning it does: a restart in an emergency finds the key where it always is."""
    board = Board(key_switch=InputLine(21, debounce_s=0))
    board.close_contact(21)
    board.connect()
    assert Trigger.EMERGENCY_CLEARED not in board.triggers()
    board.open_contact(21)
    board.turn()
    board.close_contact(21)
    board.turn()
    assert Trigger.EMERGENCY_CLEARED in board.triggers()


def test_an_emergency_is_written_down_from_the_contacts_own_thread() -> None:
    """A loop that hangs, and is killed for it, leaves the emergency to the next start."""
    kept: list[bool] = []
    board = Board(emergency=InputLine(5, debounce_s=0))
    board.signals._keep = lambda: kept.append(True)
    board.connect()
    board.close_contact(5)
    assert kept == [True]
