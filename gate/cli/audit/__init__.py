"""`smile-gate audit …`: ask the log, check it, copy it; a module for each subcommand."""

from __future__ import annotations

from importlib import import_module

import click

from gate.cli.common import example

_COMMANDS = {
    "list": "list_events",
    "show": "show",
    "stats": "stats",
    "top": "top",
    "verify": "verify",
    "head": "head",
    "export": "export",
    "backup": "backup",
    "restore": "restore",
    "salvage": "salvage",
    "prune": "prune",
    "erase": "erase",
}
"""Subcommand → module of this package."""


class _Lazy(click.Group):
    """A group that imports a subcommand only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"gate.cli.audit.{_COMMANDS[cmd_name]}")
        found: click.Command = module.command
        return found


@example("smile-gate audit list --since yesterday --event granted")
@click.group("audit", cls=_Lazy)
def command() -> None:
    """Ask the audit log, check it, copy it."""
