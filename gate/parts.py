"""How the parts are made from the settings: for the daemon, for a replay, for a photo."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from gate import __version__, board, resources
from gate.camera import Wanted, open_source
from gate.feed import Feed
from gate.inbox import Inbox
from gate.inputs import Contact
from gate.lines import Lines
from gate.meter import Meter
from gate.panel import Lamp, Panel
from gate.pipeline import Pipeline, Settings
from gate.relay import Relay
from gate.settings import Config, EyesMethod, Input, OnEmergency, PowerLoss, Pull, RelayMode, Wiring
from gate.smile import Classifier
from gate.store import Store
from gate.vision.eyes import EyeRules, Method
from gate.vision.light import LightLimits
from gate.vision.liveness import LivenessRules, Mode
from gate.vision.picture import Mounting

log = logging.getLogger(__name__)

EYES = "models/eyes.tflite"
"""The shipped eye-state model."""


def open_relay(
    config: Config,
    lines: Lines,
    *,
    on_limit: Callable[[], None],
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


def open_panel(config: Config, lines: Lines) -> Panel:
    """The lamps and the heartbeat."""
    lamps = [
        Lamp(output.name, frozenset(output.shows), frozenset(output.flashes), output.flash_s)
        for output in config.outputs
    ]
    beats = config.heartbeat.pin is not None
    return Panel(lines, lamps, heartbeat_s=config.heartbeat.period_s if beats else None)


def contacts(config: Config) -> dict[str, Contact]:
    """The inputs that there are, by the names of their settings."""
    found = ((name, value) for name, value in config.inputs if isinstance(value, Input))
    return {name: _contact(value) for name, value in found}


def _contact(settings: Input) -> Contact:
    pulls = {Pull.UP: True, Pull.DOWN: False, Pull.NONE: None}
    closed = settings.wiring is Wiring.NORMALLY_CLOSED
    return Contact(settings.pin, closed, pulls[settings.pull], settings.debounce_s)


def open_feed(config: Config, inbox: Inbox, first: int = 0) -> Feed:
    """The camera's thread, not started; ``first`` is the number of its first frame."""
    camera = config.camera
    wanted = Wanted(camera.width, camera.height, camera.fps)
    return Feed(
        lambda: open_source(camera.source, wanted),
        inbox,
        first_retry_s=camera.retry_first_s,
        last_retry_s=camera.retry_max_s,
        stuck_after_s=camera.stuck_after_s,
        loop=camera.loop,
        first=first,
    )


def open_model(config: Config) -> Classifier:
    """The smile model: the configured one, or the one that is shipped."""
    return Classifier(config.smile.model)


def open_mounting(config: Config) -> Mounting:
    """How the camera hangs."""
    return Mounting(rotate=config.camera.rotate, mirror=config.camera.mirror)


def open_meter(config: Config, watchdog_s: float, model: str) -> Meter:
    """What measures the loop: nothing, unless the settings ask for it. Its faults stop no gate."""
    wanted = config.metrics
    if not wanted.wanted:
        return Meter()
    try:
        from gate.metrics import Metrics
    except ImportError:
        log.error("metrics are set, their library is not there: pip install 'smile-gate[metrics]'")
        return Meter()
    metrics = Metrics(
        build={"version": __version__, "gate": config.gate.id, "model": model[:12]},
        watchdog_s=watchdog_s,
        fps_wanted=config.camera.fps,
        board=lambda: board.read(disk=config.store.path),
    )
    if wanted.port is not None:
        try:
            metrics.serve(wanted.address, wanted.port)
        except OSError as error:
            log.error("metrics.port: %s:%d: %s", wanted.address, wanted.port, error)
    if wanted.textfile is not None:
        metrics.write_every(wanted.textfile, wanted.textfile_every_s)
    return metrics


def open_pipeline(config: Config, smile: Classifier) -> Pipeline:
    """The way from a frame to what it shows."""
    settings = Settings(
        min_height=config.face.min_height,
        region=config.face.region,
        similar=config.face.similar,
        acquire_s=config.face.acquire_s,
        light=LightLimits(darkest=config.light.darkest, brightest=config.light.brightest),
        mounting=open_mounting(config),
        eyes=EyeRules(method=Method(config.eyes.method)),
        liveness=LivenessRules(mode=Mode(config.liveness.mode)),
    )
    asked = config.eyes.method is not EyesMethod.HAAR
    eyes = Classifier(resources.path(EYES)) if asked else None
    return Pipeline(settings, smile, eyes)


def open_store(
    config: Config, smile: Classifier, path: Path | None, *, mends: bool = True
) -> Store:
    """The audit log at ``path`` (None: in memory), with what its rows say of this run.

    A damaged one is set aside, and a new one begun that says so; without ``mends`` it is refused.
    """
    return Store.open(
        path,
        mends=mends,
        gate_id=config.gate.id,
        threshold=config.rules(smile.card.threshold).threshold,
        model_hash=smile.card.sha256,
        config_hash=config.digest(),
        version=__version__,
    )
