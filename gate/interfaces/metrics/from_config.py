"""The meter that the settings ask for."""

from __future__ import annotations

import logging

from gate import __version__
from gate.config import Config
from gate.hardware import board
from gate.interfaces.metrics.meter import Meter
from gate.system import extras

log = logging.getLogger(__name__)


def open_meter(config: Config, watchdog_s: float, model: str) -> Meter:
    """The meter of the loop; it does nothing unless the settings ask. Its faults stop no gate."""
    wanted = config.metrics
    if not wanted.wanted:
        return Meter()
    try:
        from gate.interfaces.metrics.prometheus import PrometheusMeter
    except ImportError as error:
        log.error("metrics are set, and need %s", extras.missing("prometheus_client", error))
        return Meter()
    metrics = PrometheusMeter(
        build={"version": __version__, "gate": config.gate.id},
        model=model,
        watchdog_s=watchdog_s,
        fps_wanted=config.camera.fps,
        board=lambda: board.read(disk=config.store.path),
    )
    if wanted.port is not None:
        try:
            metrics.serve(wanted.address, wanted.port)
        except (OSError, RuntimeError) as error:  # the port is taken; no thread can be started
            log.error("metrics.port: %s:%d: %s", wanted.address, wanted.port, error)
    if wanted.textfile is not None:
        try:
            metrics.write_every(wanted.textfile, wanted.textfile_every_s)
        except RuntimeError as error:
            log.error("metrics.textfile: %s", error)
    return metrics
