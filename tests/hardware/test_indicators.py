from __future__ import annotations

from itertools import pairwise

import pytest
from gpiozero.pins.mock import MockFactory

from gate.core.domain import GATE, HEARTBEAT, EventKind, State
from gate.hardware.indicators import Indicators, Lamp
from gate.hardware.output_lines import OutputLine, OutputLines
from tests.failing_pins import FailingFactory, level

WIRES = [
    OutputLine(GATE, 17),
    OutputLine("lamp", 22),
    OutputLine("buzzer", 23),
    OutputLine(HEARTBEAT, 24),
]
LAMPS = [
    Lamp("lamp", shows=frozenset({State.IDLE, State.SMILING})),
    Lamp("buzzer", flashes=frozenset({EventKind.VISIT_LEFT}), flash_s=0.5),
]


@pytest.fixture
def lines() -> OutputLines:
    return OutputLines(MockFactory(), WIRES, [("lamp", "buzzer")])


def test_a_lamp_follows_the_state(lines: OutputLines) -> None:
    """On in its states, off in the others."""
    panel = Indicators(lines, LAMPS)
    for state, on in ((State.IDLE, True), (State.GRANTED, False), (State.SMILING, True)):
        panel.update(state, 1.0)
        assert lines.is_on("lamp") is on


def test_a_buzzer_sounds_for_its_time(lines: OutputLines) -> None:
    """An event switches it on, and the time switches it off."""
    panel = Indicators(lines, LAMPS)
    panel.record_event(EventKind.GRANTED, 1.0)
    panel.update(State.CLOSED, 1.1)
    assert not lines.is_on("buzzer")
    panel.record_event(EventKind.VISIT_LEFT, 2.0)
    panel.update(State.CLOSED, 2.4)
    assert lines.is_on("buzzer")
    panel.update(State.CLOSED, 2.5)
    assert not lines.is_on("buzzer")


def test_the_heart_beats_with_the_loop(lines: OutputLines) -> None:
    """One beat a period, and none while nobody turns the loop."""
    panel = Indicators(lines, (), heartbeat_s=1.0)
    levels = []
    for tenth in range(1, 21):
        panel.update(State.IDLE, tenth / 10)
        levels.append(lines.is_on(HEARTBEAT))
    assert [one is not other for one, other in pairwise([False, *levels])].count(True) == 4


def test_a_broken_lamp_does_not_stop_the_gate(
    lines: OutputLines, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, however often the loop turns."""
    panel = Indicators(lines, LAMPS)
    lines._devices["lamp"].pin._set_state = _fail
    for _ in range(5):
        panel.update(State.IDLE, 1.0)
    assert sum("lamp" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("lasting", [False, True])
def test_no_call_of_a_lamp_s_driver_stops_the_loop(number: int, lasting: bool) -> None:
    """Whichever call fails, once or from then on, nothing is raised and the other lamps go on."""
    pins = FailingFactory()
    lines = OutputLines(pins, WIRES)
    panel = Indicators(lines, LAMPS, heartbeat_s=1.0)
    begun = len(pins.calls)
    pins.fails = lambda call: (
        call.pin == 22 and (lasting or call.number == begun + number) and call.number > begun
    )
    for tenth in range(40):
        panel.update(State.IDLE if tenth % 4 else State.GRANTED, tenth / 10)
    assert sum(call.pin == 24 for call in pins.calls[begun:]) > 3
    pins.fails = lambda call: False
    panel.update(State.IDLE, 5.0)
    assert level(pins, 22)


def _fail(state: int) -> None:
    raise OSError("no such line")
