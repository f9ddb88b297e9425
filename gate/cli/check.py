"""``smile-gate check``: is this configuration good, and what does it come to?"""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from gate.cli.common import FILE, example, json_option, say_json
from gate.config import Config, load


@example("smile-gate check --config /etc/smile-gate/gate.yaml")
@click.command("check")
@click.option("--config", type=FILE, required=True, help="Settings to check.")
@json_option
def command(config: Path, as_json: bool) -> None:
    """Check a configuration and print the effective settings.

    Each mistake is a line FILE:LINE: MESSAGE, and the exit code is 2 then. Settings that differ
    from the built-in default are marked.
    """
    settings = load(config)
    values = settings.model_dump(mode="json")
    if as_json:
        say_json(values)
        return
    defaults = Config().model_dump(mode="json")
    for section, entries in values.items():
        click.echo(f"{section}:")
        for name, value in entries.items():
            text = yaml.safe_dump(value, default_flow_style=True, width=1000)
            line = f"  {name}: {text.removesuffix('...' + chr(10)).strip()}"
            changed = value != defaults[section][name]
            click.echo(f"{line:<50}  # set in {config.name}" if changed else line)
