from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory

from gate.core.domain import GATE, Position
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.pin_factory import pin_factory
from gate.hardware.relay import Relay
from tests.waiting import FOREVER_S, PATIENCE_S, until


@pytest.fixture
def pins() -> MockFactory:
    return MockFactory()


@pytest.fixture
def lines(pins: MockFactory) -> Iterator[OutputLines]:
    it = OutputLines(pins, [OutputLine(GATE, 17)])
    yield it
    it.close()


def history(pins: MockFactory, pin: int = 17) -> list[bool]:
    """The levels that the pin has had."""
    return [bool(change.state) for change in pins.pin(pin).states]


def test_the_line_is_claimed_safe_moves_and_is_given_back_off(
    pins: MockFactory, lines: OutputLines
) -> None:
    """No blip at either end: the history of the pin is off, on, off."""
    relay = Relay(lines)
    relay.move(Position.GRANTED)
    assert relay.is_open
    relay.close()
    relay.close()
    lines.close()
    lines.close()
    assert history(pins) == [False, True, False]


def test_a_fail_safe_lock_is_held_by_power_and_let_go_to_open(pins: MockFactory) -> None:
    """With fail_safe the line is on while the gate is shut, and off while it is open."""
    lines = OutputLines(pins, [OutputLine(GATE, 17, rests_on=True)])
    relay = Relay(lines, energised_is_open=False)
    for position, opened in ((Position.SAFE, False), (Position.GRANTED, True)):
        relay.move(position)
        assert relay.is_open is opened
    relay.move(Position.SAFE)
    lines.close()
    assert history(pins)[-3:] == [True, False, True]


def test_a_grant_ends_by_its_limit_even_if_nobody_ends_it(lines: OutputLines) -> None:
    """The dead-man's limit works in its own thread, and says so."""
    tripped = threading.Event()
    relay = Relay(lines, max_open_s=0.01, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    assert tripped.wait(PATIENCE_S)
    assert not relay.is_open
    assert relay.position is Position.SAFE


def test_a_limit_that_cannot_move_the_line_is_told(pins: MockFactory, lines: OutputLines) -> None:
    """A wire that came loose while the gate was open is a fault, not a thread that died."""
    told = threading.Event()
    relay = Relay(lines, max_open_s=0.01, on_limit=lambda _: told.set())
    pin = pins.pin(17)
    drive = pin._set_state
    pin._set_state = lambda level: drive(level) if level else _fail(level)
    relay.move(Position.GRANTED)
    assert told.wait(PATIENCE_S)
    del pin._set_state
    assert relay.position is None  # so that the next move drives the line again
    relay.move(Position.SAFE)
    assert not relay.is_open


def _fail(state: int) -> None:
    raise OSError("no such line")


def test_a_hold_that_ended_in_time_is_not_ended_again(lines: OutputLines) -> None:
    """The limit of one grant does not cut the next one."""
    tripped = threading.Event()
    relay = Relay(lines, max_open_s=FOREVER_S, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    first = relay._grants
    relay.move(Position.SAFE)
    relay.move(Position.GRANTED)
    relay._time_out(first)
    assert relay.is_open
    assert not tripped.is_set()
    relay.close()


def test_a_pulse_ends_while_the_grant_goes_on(pins: MockFactory, lines: OutputLines) -> None:
    """A turnstile that counts by itself gets a short contact, and no fault is told."""
    tripped = threading.Event()
    relay = Relay(lines, pulse_s=0.01, max_open_s=FOREVER_S, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    until(lambda: not relay.is_open, "the end of the pulse")
    assert relay.position is Position.GRANTED
    relay.move(Position.SAFE)
    assert history(pins) == [False, True, False]
    assert not tripped.is_set()


def test_an_emergency_has_no_limit(lines: OutputLines) -> None:
    """In an emergency the gate stays open until it is cleared, also where a grant went before."""
    tripped = threading.Event()
    relay = Relay(lines, max_open_s=FOREVER_S, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    first = relay._grants
    relay.move(Position.EMERGENCY)
    assert relay._timer is None
    relay._time_out(first)  # the grant's limit had fired, and waited for the move
    assert not tripped.is_set()
    assert relay.is_open


def test_nothing_moves_the_relay_away_from_a_trip(lines: OutputLines) -> None:
    """After the emergency input has moved it, a loop that is late cannot shut the gate."""
    held = True
    relay = Relay(lines, emergency_held=lambda: held)
    relay.trip()
    for asked_for, opened in ((True, True), (False, False)):
        held = asked_for
        relay.move(Position.SAFE)
        assert relay.is_open  # nobody has cleared it
        relay.clear()
        relay.move(Position.SAFE)
        assert relay.is_open is opened


def test_a_gate_may_stay_shut_in_an_emergency(lines: OutputLines) -> None:
    """Where the emergency opens another way out, the position is a setting."""
    relay = Relay(lines, opens_in_emergency=False)
    relay.move(Position.GRANTED)
    relay.trip()
    assert not relay.is_open


def test_a_board_that_switches_at_low_level_is_safe_at_high(pins: MockFactory) -> None:
    """With active_high false the line never goes low before a grant."""
    lines = OutputLines(pins, [OutputLine(GATE, 17, active_high=False)])
    Relay(lines).move(Position.GRANTED)
    lines.close()
    assert history(pins)[-3:] == [True, False, True]
    assert False not in history(pins)[1:-2]


def test_two_interlocked_lines_are_never_on_together(pins: MockFactory) -> None:
    """The newer one wins, but nothing switches the gate's line off."""
    wires = [OutputLine(GATE, 17), OutputLine("red", 5), OutputLine("green", 6)]
    lines = OutputLines(pins, wires, [("red", "green"), (GATE, "red")])
    assert lines.switch("red", True)
    assert lines.switch("green", True)
    assert (lines.is_on("red"), lines.is_on("green")) == (False, True)
    assert lines.switch("red", True)
    assert lines.switch(GATE, True)
    assert not lines.is_on("red")
    assert not lines.switch("red", True)
    assert lines.is_on(GATE)
    lines.close()
    assert not pins.pin(17).state


def test_a_pin_that_is_taken_is_one_clear_error_and_nothing_is_kept(pins: MockFactory) -> None:
    """Two users of one pin are found at the start, and the first lines are given back."""
    with pytest.raises(RelayError, match="GPIO 17 cannot be claimed for 'lamp'"):
        OutputLines(pins, [OutputLine(GATE, 17), OutputLine("lamp", 17)])
    OutputLines(pins, [OutputLine(GATE, 17)]).close()


def test_a_board_without_pins_says_what_to_do() -> None:
    """Nothing falls back to pins that do nothing: mock has to be asked for by name."""
    with pytest.raises(RelayError, match=r"relay\.pin_factory: mock"):
        pin_factory("lgpio")
    assert isinstance(pin_factory("mock"), MockFactory)
