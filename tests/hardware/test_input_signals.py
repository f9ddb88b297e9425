"""Contacts, their signals, and the emergency that does not wait for the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from gate.core.closures import LaneClosures
from gate.core.domain import GATE, Position, Signal, Trigger
from gate.errors import RelayError
from gate.hardware.input_lines import InputLine, InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.relay import Relay


class WiredPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin with a contact to ground, which is stronger than the pull resistor."""

    grounded = False

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        if self.grounded:
            self._change_state(False)


class Board:
    """Mock pins with a relay and wires, and what was posted to the loop."""

    def __init__(self, *, latches: bool = True, **contacts: InputLine) -> None:
        self.pins = MockFactory(pin_class=WiredPin)
        self.lines = OutputLines(self.pins, [OutputLine(GATE, 17)])
        self.posted: list[Signal] = []
        self.inputs = InputLines(self.pins)
        self.closures = LaneClosures(self.posted.append)
        self.signals = InputSignals(self.inputs, self.posted.append, self.closures, latches=latches)
        self.relay = Relay(self.lines, emergency_held=self.signals.emergency_held)
        self._contacts = contacts

    def connect(self) -> None:
        self.signals.connect(self.relay, self._contacts)

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
        self.inputs.close()
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
    """An input on the relay's pin is found at the start."""
    board = Board(passage=InputLine(17))
    with pytest.raises(RelayError, match=r"GPIO 17 cannot be claimed for inputs\.passage"):
        board.connect()
    board.close()
