"""``smile-gate safe-state``: what the service manager calls before a start and after any end."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import FILE, example
from gate.config.load import load
from gate.hardware.from_config import open_lines
from gate.hardware.pin_factory import pin_factory


@example("smile-gate safe-state --config /etc/smile-gate/gate.yaml")
@click.command("safe-state")
@click.option("--config", type=FILE, required=True, help="Settings of the gate.")
def command(config: Path) -> None:
    """Put every output line into its safe position.

    A process that was killed can leave a GPIO line driven; this drives each line to safety and
    gives it back. It fails if another process, such as a running gate, holds the lines.
    """
    settings = load(config)
    with_factory = pin_factory(settings.relay.pin_factory)
    open_lines(settings, with_factory).close()
    click.echo("all lines are safe")
