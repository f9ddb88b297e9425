"""The meter that the settings ask for."""

from __future__ import annotations

import logging

from gate import __version__
from gate.config import Config
from gate.hardware import board
from gate.interfaces.metrics.meter import Meter
from gate.system.extras import install

log = logging.getLogger(__name__)


def open_meter(config: Config, watchdog_s: float, model: str) -> Meter:
    """The meter of the loop; it does nothing unless the settings ask. Its faults stop no gate."""
    wanted = config.metrics
    if not wanted.wanted:
        return Meter()
    try:
        from gate.interfaces.metrics.prometheus import PrometheusMeter
    except ImportError:
        log.error("metrics are set, their library is not there: %s", install("metrics"))
        return Meter()
    metrics = PrometheusMeter(
        build={"version": __version__, "gate": config.gate.id},
        model=model,
        watchdog_s=watchdog_s,
        fps_wanted=config.camera.fps,
        board=lambda: board.read(disk=config.store.path),
    )
    address, port, textfile = wanted.address, wanted.port, wanted.textfile
    if port is not None:
        metrics.begin(f"port: {address}:{port}", lambda: metrics.serve(address, port))
    if textfile is not None:
        every_s = wanted.textfile_every_s
        metrics.begin("textfile", lambda: metrics.write_every(textfile, every_s))
    return metrics
