"""How the parts are made from the settings: for the daemon, for a replay, for a photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gate import __version__, resources
from gate.camera import Wanted, open_source
from gate.config import Config
from gate.feed import Feed
from gate.inbox import Inbox
from gate.pipeline import Pipeline, Settings
from gate.relay import Relay, pin_factory
from gate.smile import Classifier
from gate.store import Store
from gate.vision.picture import Mounting

EYES = "models/eyes.tflite"
"""The shipped eye-state model."""


def open_relay(config: Config, factory: Any, on_limit: Callable[[], None]) -> Relay:
    """The relay, claimed in its safe position; ``factory`` None for the configured one."""
    relay = config.relay
    return Relay(
        factory or pin_factory(relay.pin_factory),
        relay.pin,
        active_high=relay.active_high,
        max_on_s=relay.max_on_s,
        on_limit=on_limit,
    )


def open_feed(config: Config, inbox: Inbox) -> Feed:
    """The camera's thread, not started."""
    camera = config.camera
    wanted = Wanted(camera.width, camera.height, camera.fps)
    return Feed(
        lambda: open_source(camera.source, wanted),
        inbox,
        first_retry_s=camera.retry_first_s,
        last_retry_s=camera.retry_max_s,
        loop=camera.loop,
    )


def open_model(config: Config) -> Classifier:
    """The smile model: the configured one, or the one that is shipped."""
    return Classifier(config.smile.model)


def open_pipeline(config: Config, smile: Classifier) -> Pipeline:
    """The way from a frame to what it shows."""
    mounting = Mounting(rotate=config.camera.rotate, mirror=config.camera.mirror)
    eyes = Classifier(resources.path(EYES))
    return Pipeline(Settings(min_height=config.face.min_height, mounting=mounting), smile, eyes)


def open_store(config: Config, smile: Classifier, path: Path | None) -> Store:
    """The audit log at ``path`` (None: in memory), with what its rows say of this run."""
    return Store.open(
        path,
        gate_id=config.gate.id,
        threshold=config.rules(smile.card.threshold).threshold,
        model_hash=smile.card.sha256,
        config_hash=config.digest(),
        version=__version__,
    )
