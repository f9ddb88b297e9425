"""``smile-gate run``: the daemon in the foreground, as the service manager starts it."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from gate.cli.common import FILE, example
from gate.config.load import load
from gate.system import journal


@example("smile-gate run --config /etc/smile-gate/gate.yaml")
@click.command("run")
@click.option("--config", type=FILE, required=True, help="Settings of the gate.")
@click.option("--verbose", is_flag=True, help="Log what is for debugging, too.")
def command(config: Path, verbose: bool) -> None:
    """Run the gate until it is stopped (SIGTERM or Ctrl-C), or a clip as camera is over."""
    settings = load(config)
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, handlers=[journal.handler()])
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    from gate.service.daemon import Daemon

    Daemon(settings, path=config.resolve()).run()
