"""``smile-gate check``: is this configuration good, and what does it come to?"""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import FILE, example, json_option, say_json
from gate.config import Config
from gate.config.generate import APPLIED, SCHEMA, described
from gate.config.load import load
from gate.config.settings import Setting, explained
from gate.config.yaml_file import plain
from gate.system import resources


@example("smile-gate check --config /etc/smile-gate/gate.yaml")
@click.command("check")
@click.option("--config", type=FILE, help="Settings to check.")
@click.option("--default", is_flag=True, help="Print the commented default file to start from.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema that its first line names.")
@click.option(
    "--explain",
    metavar="NAME",
    is_flag=False,
    flag_value="",
    help="Explain a setting, or list those of a section; without a name, all.",
)
@json_option
def command(
    config: Path | None, default: bool, schema: bool, explain: str | None, as_json: bool
) -> None:
    """Check a configuration and print the effective settings.

    Each mistake is a line FILE:LINE: MESSAGE, and the exit code is 2 then. Settings that differ
    from the built-in default are marked.
    """
    if default or schema:
        file = "gate.yaml" if default else SCHEMA
        click.echo(resources.path(f"config/{file}").read_text(encoding="utf-8"), nl=False)
        return
    if explain is not None:
        _explain(explained(explain), explain, as_json=as_json)
        return
    if config is None:
        raise click.UsageError("name a file with --config, or ask for --default or --explain")
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


def _explain(settings: tuple[Setting, ...], name: str, *, as_json: bool) -> None:
    """Write one setting in full, and a line for each of a section."""
    for one in settings:
        if as_json:
            say_json(one.as_dict())
        elif one.name == name:
            click.echo(f"{one.name}: {described(one.description, one.change)}")
            facts = {
                "type": one.type,
                "unit": one.unit,
                "limits": one.limits,
                "default": one.default or "none: the file must give it",
                "example": " ".join(one.example.split()),
                "applied": f"{one.applied}: {APPLIED[one.applied]}",
            }
            for fact, text in facts.items():
                if text:
                    click.echo(f"  {fact:<8} {text}")
        else:
            click.echo(f"{one.name:<28} {one.default or '-':<22} {one.description}")
