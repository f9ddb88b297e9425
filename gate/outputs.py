"""The output lines as the settings have them. On its own: after a kill, each import counts.

``smile-gate safe-state`` stands between a killed gate and a line that is left driven.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gate.domain import GATE, HEARTBEAT
from gate.lines import Lines, Wire
from gate.settings import Config, PowerLoss


def open_lines(config: Config, factory: Any) -> Lines:
    """All outputs, claimed in their safe positions."""
    return Lines(factory, _wires(config), config.interlocks)


def _wires(config: Config) -> Iterator[Wire]:
    relay = config.relay
    rests_on = relay.power_loss is PowerLoss.FAIL_SAFE
    yield Wire(GATE, relay.pin, relay.active_high, rests_on)
    for output in config.outputs:
        yield Wire(output.name, output.pin, output.active_high)
    if config.heartbeat.pin is not None:
        yield Wire(HEARTBEAT, config.heartbeat.pin, config.heartbeat.active_high)
