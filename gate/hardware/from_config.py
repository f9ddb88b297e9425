"""Lines, relay, lamps, inputs and camera as the settings have them.

`lines_in_force` stands between a killed gate and a line that is left driven (``smile-gate
safe-state``): each import here counts, and the camera's are left to `open_camera_thread`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.config import Config, InputSettings, OnEmergency, PowerLoss, Pull, RelayMode, Wiring
from gate.core.domain import GATE, HEARTBEAT, Signal
from gate.core.lane_closures import LaneClosures
from gate.hardware import guard, lines_file
from gate.hardware.guard import Guard
from gate.hardware.indicators import Indicators, Lamp
from gate.hardware.input_lines import InputLine, InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.lines_file import LinesInForce
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.relay import Overseer, Relay

if TYPE_CHECKING:
    from gate.hardware.camera_thread import CameraThread, FrameSink


def open_lines(config: Config, factory: Any, *, emergency: bool = False) -> OutputLines:
    """All outputs, claimed in their safe positions; in an emergency, in that position."""
    return OutputLines(factory, output_lines(config), config.interlocks, emergency=emergency)


def lines_in_force(config: Config) -> LinesInForce:
    """What a gate of these settings claims, as it is written down at the start."""
    return LinesInForce(str(config.relay.pin_factory), tuple(output_lines(config)))


def record_folders(config: Config) -> list[Path]:
    """Where a gate of these settings writes down its lines, and that an emergency is latched."""
    return lines_file.folders(config.control.socket, config.store.path)


def open_guard(config: Config) -> Guard:
    """The guard of the gate's line, started; see its `Guard.problem`."""
    record, places = lines_in_force(config).as_json(), map(str, record_folders(config))
    return Guard([sys.executable, *guard.MAKE_SAFE, record, *places])


def output_lines(config: Config) -> Iterator[OutputLine]:
    """All outputs: the gate's, the lamps, the heartbeat."""
    relay = config.relay
    fail_safe = relay.power_loss is PowerLoss.FAIL_SAFE
    opens = relay.on_emergency is OnEmergency.OPEN
    yield OutputLine(GATE, relay.pin, relay.active_high, fail_safe, opens is not fail_safe)
    for output in config.outputs:
        yield OutputLine(output.name, output.pin, output.active_high)
    if config.heartbeat.pin is not None:
        yield OutputLine(HEARTBEAT, config.heartbeat.pin, config.heartbeat.active_high)


def open_relay(
    config: Config,
    lines: OutputLines,
    *,
    on_limit: Callable[[float], None],
    emergency_held: Callable[[], bool],
    overseer: Overseer | None = None,
) -> Relay:
    """The relay on the gate's line. Raises `RelayError`."""
    relay = config.relay
    return Relay(
        lines,
        energised_is_open=relay.power_loss is PowerLoss.FAIL_SECURE,
        max_open_s=relay.max_on_s,
        pulse_s=relay.pulse_s if relay.mode is RelayMode.PULSE else None,
        opens_in_emergency=relay.on_emergency is OnEmergency.OPEN,
        on_limit=on_limit,
        emergency_held=emergency_held,
        overseer=overseer,
    )


def open_indicators(config: Config, lines: OutputLines) -> Indicators:
    """The lamps and the heartbeat."""
    lamps = [
        Lamp(output.name, frozenset(output.shows), frozenset(output.flashes), output.flash_s)
        for output in config.outputs
    ]
    beats = config.heartbeat.pin is not None
    return Indicators(lines, lamps, heartbeat_s=config.heartbeat.period_s if beats else None)


def open_signals(
    config: Config,
    inputs: InputLines,
    post: Callable[[Signal], None],
    closures: LaneClosures,
    keep: Callable[[], object] = lambda: None,
) -> InputSignals:
    """What each input means to the lane, not connected; ``post`` takes its signals."""
    return InputSignals(inputs, post, closures, latches=config.inputs.emergency_latches, keep=keep)


def input_lines(config: Config) -> dict[str, InputLine]:
    """The inputs that are set, by the names of their settings."""
    found = ((name, value) for name, value in config.inputs if isinstance(value, InputSettings))
    return {name: _input_line(value) for name, value in found}


def _input_line(settings: InputSettings) -> InputLine:
    pulls = {Pull.UP: True, Pull.DOWN: False, Pull.NONE: None}
    closed = settings.wiring is Wiring.NORMALLY_CLOSED
    return InputLine(settings.pin, closed, pulls[settings.pull], settings.debounce_s)


def open_camera_thread(config: Config, frames: FrameSink, first: int = 0) -> CameraThread:
    """The camera's thread, not started; ``first`` is the number of its first frame."""
    from gate.hardware.camera import CameraRequest, open_source  # OpenCV: safe-state does without
    from gate.hardware.camera_thread import CameraThread

    camera = config.camera
    wanted = CameraRequest(camera.width, camera.height, camera.fps, camera.flicker_hz)
    return CameraThread(
        lambda: open_source(camera.source, wanted),
        frames,
        first_retry_s=camera.retry_first_s,
        last_retry_s=camera.retry_max_s,
        stuck_after_s=camera.stuck_after_s,
        loop=camera.loop,
        first=first,
    )
