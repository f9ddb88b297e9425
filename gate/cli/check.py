"""``smile-gate check``: is this configuration good, and what does it come to?"""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import FILE, example, json_option, say_json
from gate.config import Config
from gate.config.load import load
from gate.config.yaml_file import plain
from gate.system import resources


@example("smile-gate check --config /etc/smile-gate/gate.yaml")
@click.command("check")
@click.option("--config", type=FILE, help="Settings to check.")
@click.option("--default", is_flag=True, help="Print the commented default file to start from.")
@json_option
def command(config: Path | None, default: bool, as_json: bool) -> None:
    """Check a configuration and print the effective settings.

    Each mistake is a line FILE:LINE: MESSAGE, and the exit code is 2 then. Settings that differ
    from the built-in default are marked.
    """
    if default:
        click.echo(resources.path("config/gate.yaml").read_text(encoding="utf-8"), nl=False)
        return
    if config is None:
        raise click.UsageError("name a file with --config, or ask for --default")
    values = load(config).model_dump(mode="json")
    if as_json:
        say_json(values)
        return
    defaults = Config().model_dump(mode="json")
    for section, entries in values.items():
        if not isinstance(entries, dict):
            _say(f"{section}: {plain(entries)}", entries != defaults[section], config)
            continue
        click.echo(f"{section}:")
        for name, value in entries.items():
            _say(f"  {name}: {plain(value)}", value != defaults[section][name], config)


def _say(line: str, changed: bool, config: Path) -> None:
    click.echo(f"{line:<48}  # set in {config.name}" if changed else line)
