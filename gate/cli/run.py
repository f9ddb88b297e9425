"""``smile-gate run``: the daemon in the foreground, as the service manager starts it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from gate.cli.common import FILE, example
from gate.config import Config
from gate.config.load import load
from gate.errors import CameraHung
from gate.system import journal

DAMAGE_LIMIT = 500
"""Characters of the mistakes that status and log show."""


@example("smile-gate run --config /etc/smile-gate/gate.yaml")
@click.command("run")
@click.option("--config", type=FILE, required=True, help="Settings of the gate.")
@click.option("--verbose", is_flag=True, help="Log what is for debugging, too.")
def command(config: Path, verbose: bool) -> None:
    """Run the gate until it is stopped (SIGTERM or Ctrl-C), or a clip as camera is over.

    Where the file has mistakes, and a gate has run from it before, it runs with those settings: at
    fault, with nothing but the way out, until the file is mended and reloaded.

    A camera that hangs in its driver, so that only a new start frees it, ends the gate once no hold
    runs, with exit code 6; systemd starts it again.
    """
    settings, damaged = _settings(config)
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, handlers=[journal.handler()])
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    from gate.service.daemon import Daemon

    if damaged is not None:
        logging.critical("%s: the gate runs with its last settings, at fault: %s", config, damaged)
    try:
        Daemon(settings, path=config.resolve(), damaged=damaged).run()
    except CameraHung as error:
        logging.critical("%s", error)
        logging.shutdown()
        os._exit(error.exit_code)  # Python's own end could wait for the driver for ever


def _settings(path: Path) -> tuple[Config, str | None]:
    """The settings, and what is wrong with the file where they are those of the last run.

    Raises what is wrong where there was no such run.
    """
    try:
        return load(path), None
    except Exception as error:  # whatever is in the file: people may be inside
        from gate.service.last_config import last_of

        last = last_of(path)
        if last is None:
            raise
        return last, "; ".join(str(error).splitlines())[:DAMAGE_LIMIT] or type(error).__name__
