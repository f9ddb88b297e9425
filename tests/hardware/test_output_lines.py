"""Outputs whose driver fails: what is still driven, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gate.core.domain import GATE
from gate.errors import RelayError
from gate.hardware.output_lines import OutputLine, OutputLines
from tests.failing_pins import FailingFactory, level

WIRES = (OutputLine(GATE, 17), OutputLine("red", 5), OutputLine("green", 6))


@pytest.fixture
def pins() -> FailingFactory:
    return FailingFactory()


@pytest.fixture
def lines(pins: FailingFactory) -> Iterator[OutputLines]:
    it = OutputLines(pins, WIRES, [(GATE, "red"), (GATE, "green")])
    yield it
    pins.fails = lambda call: False
    it.close()


def test_a_line_that_cannot_be_read_is_switched_all_the_same(
    pins: FailingFactory, lines: OutputLines
) -> None:
    """What is on is kept in memory; a read error is told only to whoever wants to read the pin."""
    pins.fails = lambda call: call.operation == "read"
    assert lines.switch("red", True)
    assert lines.switch(GATE, True)
    assert (lines.is_on(GATE), lines.is_on("red")) == (True, False)
    assert (level(pins, 17), level(pins, 5)) == (True, False)
    with pytest.raises(RelayError, match="'red' cannot be read: read of GPIO 5 failed"):
        lines.read("red")


def test_a_rival_that_stays_on_keeps_no_other_rival_on(
    pins: FailingFactory, lines: OutputLines
) -> None:
    """Each of them is switched off by itself; the line is not switched on beside the one left."""
    lines.switch("red", True)
    lines.switch("green", True)
    pins.fails = lambda call: call.pin == 5
    with pytest.raises(RelayError, match="'red' cannot be driven"):
        lines.switch(GATE, True)
    assert [level(pins, pin) for pin in (17, 5, 6)] == [False, True, False]
    assert lines.is_on("red") is None


def test_a_forced_line_moves_first_whatever_its_rivals_do(
    pins: FailingFactory, lines: OutputLines
) -> None:
    """The gate's line is driven before any lamp, and stays when a lamp cannot be switched off."""
    lines.switch("red", True)
    lines.switch("green", True)
    pins.fails = lambda call: call.pin == 5
    begun = len(pins.calls)
    lines.force(GATE, True)
    assert [call.pin for call in pins.calls[begun:]] == [17, 5, 6]
    assert [level(pins, pin) for pin in (17, 5, 6)] == [True, True, False]


def test_a_line_that_failed_counts_as_on_for_its_rivals(
    pins: FailingFactory, lines: OutputLines
) -> None:
    """A gate whose last switching failed may be on: no lamp that is interlocked with it goes on."""
    pins.fails = lambda call: call.pin == 17
    with pytest.raises(RelayError):
        lines.switch(GATE, True)
    assert not lines.switch("red", True)


@pytest.mark.parametrize("operation", ["write", "close"])
@pytest.mark.parametrize("broken", [17, 5, 6])
def test_one_line_that_fails_at_the_end_leaves_no_other_one_on(
    pins: FailingFactory, operation: str, broken: int
) -> None:
    """Each line is driven and given back by itself, and what went wrong is named."""
    wires = (OutputLine("valve", 17), *WIRES[1:])
    lines = OutputLines(pins, wires)
    for wire in wires:
        lines.switch(wire.name, True)
    pins.fails = lambda call: (call.operation, call.pin) == (operation, broken)
    problems = lines.close()
    assert len(problems) == 1
    name = next(wire.name for wire in wires if wire.pin == broken)
    assert f"'{name}' cannot be {'driven' if operation == 'write' else 'given back'}" in problems[0]
    driven = {call.pin for call in pins.calls if call.operation == "write"}
    assert driven >= {17, 5, 6}
    assert not any(level(pins, pin) for pin in {17, 5, 6} - {broken})
    pins.fails = lambda call: False
    assert lines.close() == []


def test_a_line_that_ends_in_an_emergency_stays_driven(
    pins: FailingFactory, lines: OutputLines
) -> None:
    """It goes to its emergency position, and is not given back: it would float."""
    lines.end_at(GATE, True)
    assert lines.close() == []
    assert level(pins, 17)
    assert pins.pin(17).function == "output"
    assert pins.pin(5).function == "input"
    lines.end_at(GATE, None)
    lines.close()
    assert not level(pins, 17)
