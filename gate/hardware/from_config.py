"""Lines, relay, lamps, inputs and camera as the settings have them.

``smile-gate safe-state`` uses `open_lines` to switch off a line that a killed gate left driven, so
each import here costs time: those of the camera are made in `open_camera_thread`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gate.config import Config, InputSettings, OnEmergency, PowerLoss, Pull, RelayMode, Wiring
from gate.core.closures import LaneClosures
from gate.core.domain import GATE, HEARTBEAT, Signal
from gate.hardware.indicators import Indicators, Lamp
from gate.hardware.input_lines import InputLine, InputLines
from gate.hardware.input_signals import InputSignals
from gate.hardware.output_lines import OutputLine, OutputLines
from gate.hardware.relay import Relay

if TYPE_CHECKING:
    from gate.hardware.camera_thread import CameraThread, FrameSink


def open_lines(config: Config, factory: Any) -> OutputLines:
    """All outputs, claimed in their safe positions."""
    return OutputLines(factory, _output_lines(config), config.interlocks)


def _output_lines(config: Config) -> Iterator[OutputLine]:
    relay = config.relay
    rests_on = relay.power_loss is PowerLoss.FAIL_SAFE
    yield OutputLine(GATE, relay.pin, relay.active_high, rests_on)
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
) -> Relay:
    """The relay on the gate's line."""
    relay = config.relay
    return Relay(
        lines,
        energised_is_open=relay.power_loss is PowerLoss.FAIL_SECURE,
        max_open_s=relay.max_on_s,
        pulse_s=relay.pulse_s if relay.mode is RelayMode.PULSE else None,
        opens_in_emergency=relay.on_emergency is OnEmergency.OPEN,
        on_limit=on_limit,
        emergency_held=emergency_held,
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
    config: Config, inputs: InputLines, post: Callable[[Signal], None], closures: LaneClosures
) -> InputSignals:
    """What each input means to the lane, not connected; ``post`` takes its signals."""
    return InputSignals(inputs, post, closures, latches=config.inputs.emergency_latches)


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
    wanted = CameraRequest(camera.width, camera.height, camera.fps)
    return CameraThread(
        lambda: open_source(camera.source, wanted),
        frames,
        first_retry_s=camera.retry_first_s,
        last_retry_s=camera.retry_max_s,
        stuck_after_s=camera.stuck_after_s,
        loop=camera.loop,
        first=first,
    )
