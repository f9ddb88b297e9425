from __future__ import annotations

import threading

import pytest
from gpiozero.pins.mock import MockFactory

from gate.domain import Position
from gate.errors import RelayError
from gate.relay import Relay, pin_factory


def history(factory: MockFactory, pin: int = 17) -> list[bool]:
    return [bool(change.state) for change in factory.pin(pin).states]


def test_the_line_is_claimed_safe_moves_and_is_given_back_off() -> None:
    """No blip at either end: the history of the pin is off, on, off."""
    pins = MockFactory()
    relay = Relay(pins, 17)
    relay.move(Position.GRANTED)
    assert relay.is_on
    relay.close()
    relay.close()
    assert history(pins) == [False, True, False]


def test_a_board_that_switches_at_low_level_is_safe_at_high() -> None:
    """With active_high false the line never goes low before a grant."""
    pins = MockFactory()
    relay = Relay(pins, 17, active_high=False)
    relay.move(Position.GRANTED)
    relay.move(Position.SAFE)
    relay.close()
    assert history(pins)[-3:] == [True, False, True]
    assert False not in history(pins)[1:-2]


def test_a_grant_ends_by_its_limit_even_if_nobody_ends_it() -> None:
    """The dead-man's limit works in its own thread, and says so."""
    pins = MockFactory()
    tripped = threading.Event()
    relay = Relay(pins, 17, max_on_s=0.01, on_limit=tripped.set)
    relay.move(Position.GRANTED)
    assert tripped.wait(10)
    assert not relay.is_on
    assert relay.position is Position.SAFE
    relay.close()


def test_an_emergency_has_no_limit() -> None:
    """In an emergency the gate stays open until it is cleared, also where a grant went before."""
    tripped = threading.Event()
    relay = Relay(MockFactory(), 17, max_on_s=0.01, on_limit=tripped.set)
    relay.move(Position.GRANTED)
    relay.move(Position.EMERGENCY)
    assert not tripped.wait(0.1)
    assert relay.is_on
    relay.close()


def test_a_gate_may_stay_shut_in_an_emergency() -> None:
    """Where the emergency opens another way out, the position is a setting."""
    relay = Relay(MockFactory(), 17, opens_in_emergency=False)
    relay.move(Position.EMERGENCY)
    assert not relay.is_on
    relay.close()


def test_a_pin_that_is_taken_is_one_clear_error() -> None:
    """Two users of one pin are found at the start."""
    pins = MockFactory()
    relay = Relay(pins, 17)
    with pytest.raises(RelayError, match=r"GPIO 17 cannot be claimed as relay\.pin"):
        Relay(pins, 17)
    relay.close()


def test_a_board_without_pins_says_what_to_do() -> None:
    """Nothing falls back to pins that do nothing: mock has to be asked for by name."""
    with pytest.raises(RelayError, match=r"relay\.pin_factory: mock"):
        pin_factory("lgpio")
    assert isinstance(pin_factory("mock"), MockFactory)
