"""``smile-gate check``: is this configuration good, and what does it come to?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gate.cli.common import FILE, example, json_option, say_json
from gate.config import Config
from gate.config.changes import differences, flat
from gate.config.generate import APPLIED, SCHEMA, described
from gate.config.load import read
from gate.config.settings import Setting, explained
from gate.config.yaml_file import plain
from gate.doctor.at_hand import look
from gate.errors import ConfigError
from gate.system import resources
from gate.system.credentials import masked


@example("smile-gate check --config /etc/smile-gate/gate.yaml")
@click.command("check")
@click.option("--config", type=FILE, help="Settings to check.")
@click.option(
    "--all", "everything", is_flag=True, help="Print all settings, not those that differ."
)
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
    config: Path | None,
    everything: bool,
    default: bool,
    schema: bool,
    explain: str | None,
    as_json: bool,
) -> None:
    """Check a configuration, and print what differs from the defaults.

    Each mistake is a line FILE:LINE: MESSAGE, and the exit code is 2 then; so is a model, a
    recording or a path that can't be. What is only not there yet, such as a camera that is not
    plugged in, is a line FILE:LINE: warning: MESSAGE.

    With --json one object: file, valid, mistakes and warnings (each with line, which may be null,
    and text), changed (name to default and value) and settings, both null where there are mistakes.
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
    found = _examine(config)
    if as_json:
        say_json(found.as_dict())
    else:
        found.say(everything=everything)
    if found.mistakes:
        raise SystemExit(ConfigError.exit_code)


Line = tuple[int | None, str]
"""The line in the file, where it is known, and what is said of it."""


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was found out about a file."""

    path: Path
    config: Config | None
    mistakes: tuple[Line, ...] = ()
    warnings: tuple[Line, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON; passwords in addresses are masked."""
        changed: dict[str, Any] | None = None
        values: dict[str, Any] | None = None
        if self.config is not None and not self.mistakes:
            mine, defaults = flat(self.config), flat(Config())
            differ = [name for name, value in mine.items() if value != defaults[name]]
            changed = {
                name: {"default": defaults[name], "value": _masked(mine[name])} for name in differ
            }
            values = self.config.model_dump(mode="json")
            values["camera"]["source"] = _masked(values["camera"]["source"])
        return {
            "file": str(self.path),
            "valid": not self.mistakes,
            "mistakes": [{"line": line, "text": text} for line, text in self.mistakes],
            "warnings": [{"line": line, "text": text} for line, text in self.warnings],
            "changed": changed,
            "settings": values,
        }

    def say(self, *, everything: bool) -> None:
        """Mistakes and warnings to standard error, then the settings."""
        for kind, lines in (("", self.mistakes), ("warning: ", self.warnings)):
            for line, text in lines:
                at = "" if line is None else f"{line}:"
                click.echo(f"{self.path}:{at} {kind}{text}", err=True)
        if self.config is None or self.mistakes:
            return
        changes = differences(Config(), self.config)
        count = len(flat(self.config))
        differ = {0: "all have their defaults", 1: "1 differs from its default"}
        said = differ.get(len(changes), f"{len(changes)} differ from their defaults")
        click.echo(f"{self.path}: good; of {count} settings {said}{':' if changes else '.'}")
        for change in changes:
            click.echo(f"  {f'{change.name}: {change.new}':<46}  # default {change.old}")
        if everything:
            _say_all(self.config, self.path)
        else:
            click.echo(f"All settings: smile-gate check --config {self.path} --all")
            click.echo("What one means: smile-gate check --explain relay.hold_s")


def _examine(path: Path) -> _Examined:
    try:
        config, tree = read(path)
    except ConfigError as error:
        return _Examined(path, None, tuple(_located(path, str(error))))
    notices = sorted(look(config, tree), key=lambda notice: notice.line)
    return _Examined(
        path,
        config,
        tuple((one.line, one.text) for one in notices if one.serious),
        tuple((one.line, one.text) for one in notices if not one.serious),
    )


def _located(path: Path, said: str) -> Iterator[Line]:
    for text in said.splitlines():
        found = re.fullmatch(r":(?:([0-9]+):)? ?(.*)", text.removeprefix(str(path)))
        if found is None:
            yield None, text
        else:
            yield int(found[1]) if found[1] else None, found[2]


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else value


def _say_all(config: Config, path: Path) -> None:
    values, defaults = config.model_dump(mode="json"), Config().model_dump(mode="json")
    values["camera"]["source"] = _masked(values["camera"]["source"])
    for section, entries in values.items():
        if not isinstance(entries, dict):
            _say(f"{section}: {plain(entries)}", entries != defaults[section], path)
            continue
        click.echo(f"{section}:")
        for name, value in entries.items():
            _say(f"  {name}: {plain(value)}", value != defaults[section][name], path)


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
