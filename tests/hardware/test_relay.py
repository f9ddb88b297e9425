from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from gate.core.domain import GATE, Position
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.pin_factory import pin_factory
from gate.hardware.relay import Relay
from tests.failing_pins import FailingFactory, level
from tests.fakes import no_thread_left

FOREVER_S = 3600


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
    relay.close()
    lines.close()
    assert history(pins)[-3:] == [True, False, True]


def test_a_grant_ends_by_its_limit_even_if_nobody_ends_it(lines: OutputLines) -> None:
    """The dead-man's limit works in its own thread, and says so."""
    tripped = threading.Event()
    relay = Relay(lines, max_open_s=0.01, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    assert tripped.wait(10)
    assert not relay.is_open
    assert relay.position is Position.SAFE


class Bench:
    """A relay on pins that may fail, its clock in the test's hand, and what it told the loop."""

    def __init__(self, *, rests_on: bool = False, **options: Any) -> None:
        self.pins = FailingFactory()
        wires = [OutputLine(GATE, 17, rests_on=rests_on), OutputLine("red", 5)]
        self.lines = OutputLines(self.pins, wires, [(GATE, "red")])
        self.now = 100.0
        self.told = threading.Semaphore(0)
        self.relay = Relay(
            self.lines,
            energised_is_open=not rests_on,
            on_limit=lambda _: self.told.release(),
            clock=lambda: self.now,
            **options,
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, and the limit's thread do what is due by then."""
        with self.relay._changed:
            self.now += seconds
            self.relay._changed.notify()
        for _ in range(2000):
            with self.relay._changed:
                pause = self.relay._pause()
                if pause is None or pause > 0:
                    return
            threading.Event().wait(0.005)
        raise TimeoutError("the limit's thread does nothing")

    def is_open(self) -> bool:
        return self.relay.is_open

    def is_told(self) -> bool:
        return self.told.acquire(timeout=10)

    def is_told_again(self) -> bool:
        return self.told.acquire(blocking=False)

    def close(self) -> None:
        self.pins.fails = lambda call: False
        self.relay.close()
        self.lines.close()


@pytest.mark.parametrize("rests_on", [False, True])
def test_a_limit_that_cannot_move_the_line_is_told_and_tries_again(rests_on: bool) -> None:
    """A wire that came loose while the gate was open is told once, and shuts when it can."""
    bench = Bench(rests_on=rests_on, max_open_s=5)
    bench.relay.move(Position.GRANTED)
    bench.pins.fails = lambda call: call.pin == 17
    with bench.relay._changed:
        bench.now += 5
        bench.relay._changed.notify()
    assert bench.is_told()
    assert level(bench.pins, 17) is not rests_on
    bench.pins.fails = lambda call: False
    bench.wait(1)
    assert level(bench.pins, 17) is rests_on
    assert bench.relay.position is Position.SAFE
    assert not bench.is_told_again()
    bench.close()


@pytest.mark.parametrize("rests_on", [False, True])
@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_lamp_that_fails_keeps_no_gate_open_past_its_limit(
    rests_on: bool, operation: str
) -> None:
    """Whatever an interlocked lamp's driver raises, the gate shuts and the loop is told."""
    bench = Bench(rests_on=rests_on, max_open_s=5)
    bench.relay.move(Position.GRANTED)
    bench.lines.switch("red", True)
    bench.pins.fails = lambda call: call.pin == 5 or call.operation == operation == "read"
    bench.wait(5)
    assert bench.is_told()
    assert level(bench.pins, 17) is rests_on
    bench.close()


def test_a_lamp_that_cannot_be_switched_off_does_not_keep_the_gate_shut_in_an_emergency() -> None:
    """Interlocked or not, the gate's line is the first to move."""
    bench = Bench()
    bench.lines.switch("red", True)
    bench.pins.fails = lambda call: call.pin == 5
    bench.relay.trip()
    assert level(bench.pins, 17)
    assert bench.relay.position is Position.EMERGENCY
    bench.close()


def test_every_call_of_the_driver_may_fail_once_in_an_emergency() -> None:
    """Whichever call fails, the gate ends up open, with and without its interlock."""
    for rests_on in (False, True):
        for number in range(1, 12):
            bench = Bench(rests_on=rests_on)
            bench.lines.switch("red", True)
            begun = len(bench.pins.calls)
            bench.pins.fails = lambda call, at=begun + number: call.number == at  # type: ignore[misc]
            with suppress(RelayError):
                bench.relay.trip()
            bench.wait(1)
            assert level(bench.pins, 17) is not rests_on, (rests_on, number)
            assert bench.relay.position is Position.EMERGENCY
            bench.close()


def test_a_limit_whose_listener_fails_still_limits_the_next_grant() -> None:
    """The thread outlives whatever the loop's side raises."""
    calls = []

    def fail(_: float) -> None:
        calls.append(1)
        raise ValueError("in the loop's mailbox")

    bench = Bench(max_open_s=5)
    bench.relay._on_limit = fail
    for _ in range(2):
        bench.relay.move(Position.GRANTED)
        bench.wait(5)
        assert not bench.is_open()
    bench.close()
    assert len(calls) == 2


def test_a_hold_that_ended_in_time_is_not_ended_again() -> None:
    """The limit of one grant does not cut the next one."""
    bench = Bench(max_open_s=5)
    bench.relay.move(Position.GRANTED)
    bench.wait(4)
    bench.relay.move(Position.SAFE)
    bench.relay.move(Position.GRANTED)
    bench.wait(4)
    assert bench.is_open()
    bench.wait(1)
    assert not bench.is_open()
    bench.close()


def test_a_press_in_a_hold_begins_the_limit_anew() -> None:
    """The limit counts from the last grant; only moving to where the relay is does nothing."""
    bench = Bench(max_open_s=5)
    bench.relay.grant()
    bench.wait(4)
    bench.relay.grant()
    bench.wait(4)
    assert bench.is_open()
    bench.relay.move(Position.GRANTED)
    bench.wait(1)
    assert not bench.is_open()
    bench.close()


def test_a_press_in_a_hold_pulses_again() -> None:
    """With a pulse each press is a contact of its own, though the lane is still granted."""
    bench = Bench(max_open_s=5, pulse_s=0.3)
    for _ in range(3):
        bench.relay.grant()
        bench.wait(0.3)
    assert bench.relay.position is Position.GRANTED
    assert [bool(change.state) for change in bench.pins.pin(17).states][1:] == [True, False] * 3
    assert not bench.is_told_again()
    bench.close()


def test_raising_the_limit_in_a_hold_is_no_fault() -> None:
    """A hold that runs gets the longer limit; a shorter one holds from the next grant on."""
    bench = Bench(max_open_s=5)
    bench.relay.move(Position.GRANTED)
    bench.relay.limit(max_open_s=8, pulse_s=None)
    bench.wait(7)
    assert bench.is_open()
    bench.relay.limit(max_open_s=2, pulse_s=None)
    assert bench.is_open()
    assert not bench.is_told_again()
    bench.wait(1)
    assert not bench.is_open()
    bench.close()


def test_a_grant_needs_no_new_thread() -> None:
    """At the limit of threads a relay that runs still opens and shuts."""
    bench = Bench(max_open_s=5)
    with no_thread_left():
        bench.relay.move(Position.GRANTED)
        assert bench.is_open()
        bench.wait(5)
        assert not bench.is_open()
    bench.close()


def test_one_press_opens_where_the_line_is_driven_at_the_second_try() -> None:
    """A driver that fails once costs nobody inside a press; one that goes on failing is told."""
    pins = FailingFactory()
    lines = OutputLines(pins, [OutputLine(GATE, 17)])
    relay = Relay(lines, max_open_s=FOREVER_S)
    first = len(pins.calls) + 1
    pins.fails = lambda call: call.number == first and call.operation == "write"
    relay.grant(way_out=True)
    assert level(pins, 17)
    relay.move(Position.SAFE)
    pins.fails = lambda call: call.operation == "write"
    with pytest.raises(RelayError, match="cannot be driven"):
        relay.grant(way_out=True)
    pins.fails = lambda call: False
    relay.close()
    lines.close()


def test_a_relay_without_its_limit_s_thread_lets_people_out_only(
    pins: MockFactory, lines: OutputLines
) -> None:
    """Until there is a thread for it: each grant tries that again."""
    with no_thread_left():
        relay = Relay(lines)
        with pytest.raises(RelayError, match="can't start new thread"):
            relay.grant()
        assert not level(pins, 17)
        relay.grant(way_out=True)
        assert level(pins, 17)
        relay.move(Position.SAFE)
        relay.trip()
        relay.clear()
        relay.move(Position.SAFE)
        assert not level(pins, 17)
    relay.grant()
    assert level(pins, 17)
    relay.close()


class Watcher:
    """A guard that keeps what it was told; ``gone`` makes it refuse."""

    def __init__(self) -> None:
        self.told: list[float | None] = []
        self.gone = False

    def watch(self, deadline: float) -> None:
        if self.gone:
            raise RelayError("the guard is gone")
        self.told.append(deadline)

    def release(self) -> None:
        self.told.append(None)


def test_the_guard_knows_before_the_line_is_driven_and_after_it_is_off() -> None:
    """Without the guard no guest is let in; somebody inside, and an emergency, are let out."""
    watcher = Watcher()
    bench = Bench(max_open_s=5, overseer=watcher)
    bench.relay.move(Position.GRANTED)
    bench.relay.grant()
    bench.relay.move(Position.SAFE)
    assert watcher.told == [105.0, 105.0, None]
    watcher.gone = True
    with pytest.raises(RelayError, match="the guard is gone"):
        bench.relay.move(Position.GRANTED)
    assert not bench.is_open()
    bench.relay.grant(way_out=True)
    assert bench.is_open()
    bench.wait(5)
    assert not bench.is_open()
    bench.relay.trip()
    assert bench.is_open()
    bench.close()


def test_a_gate_that_stops_in_an_emergency_stays_in_its_position() -> None:
    """The line is left as the emergency wants it until somebody has cleared it."""
    bench = Bench()
    bench.relay.trip()
    bench.relay.move(Position.SAFE)
    bench.close()
    assert level(bench.pins, 17)
    bench.relay.clear()
    bench.lines.close()
    assert not level(bench.pins, 17)


def test_a_pulse_ends_while_the_grant_goes_on(pins: MockFactory, lines: OutputLines) -> None:
    """A turnstile that counts by itself gets a short contact, and no fault is told."""
    tripped = threading.Event()
    relay = Relay(lines, pulse_s=0.01, max_open_s=FOREVER_S, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    for _ in range(1000):
        if not relay.is_open:
            break
        threading.Event().wait(0.01)
    assert relay.position is Position.GRANTED
    relay.move(Position.SAFE)
    assert history(pins) == [False, True, False]
    assert not tripped.is_set()


def test_an_emergency_has_no_limit(lines: OutputLines) -> None:
    """In an emergency the gate stays open until it is cleared, also where a grant went before."""
    tripped = threading.Event()
    relay = Relay(lines, max_open_s=0.01, on_limit=lambda _: tripped.set())
    relay.move(Position.GRANTED)
    relay.move(Position.EMERGENCY)
    assert not tripped.wait(0.1)
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
    relay = Relay(lines)
    relay.move(Position.GRANTED)
    relay.close()
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


def test_a_gate_s_pin_that_is_taken_is_one_clear_error_and_nothing_is_kept(
    pins: MockFactory,
) -> None:
    """Without the gate's own line there is no gate: the lines before it are given back."""
    pins.reserve_pins(pins, 17)
    with pytest.raises(RelayError, match="GPIO 17 cannot be claimed for 'gate'"):
        OutputLines(pins, [OutputLine("lamp", 22), OutputLine(GATE, 17)])
    OutputLines(pins, [OutputLine("lamp", 22)]).close()


def test_a_lamp_that_cannot_be_claimed_keeps_nobody_in(pins: MockFactory) -> None:
    """The gate moves without it; an interlock takes it for on; it is claimed once it is free."""
    pins.reserve_pins(pins, 22)
    wires = [OutputLine(GATE, 17), OutputLine("red", 22)]
    lines = OutputLines(pins, wires, [(GATE, "red")])
    assert lines.unclaimed == ["red"]
    with pytest.raises(RelayError, match="GPIO 22 cannot be claimed for 'red'"):
        lines.switch(GATE, True)
    lines.force(GATE, True)
    assert level(pins, 17)
    lines.force(GATE, False)
    pins.release_pins(pins, 22)
    assert lines.switch("red", True)
    assert level(pins, 22)
    assert lines.switch(GATE, True)
    assert not level(pins, 22)
    lines.close()


def test_a_board_without_pins_says_what_to_do() -> None:
    """Nothing falls back to pins that do nothing: mock has to be asked for by name."""
    with pytest.raises(RelayError, match=r"relay\.pin_factory: mock"):
        pin_factory("lgpio")
    assert isinstance(pin_factory("mock"), MockFactory)
