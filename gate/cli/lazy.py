"""A group of commands, listed under headings; a command's module is imported when it is called."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

GROUPS: Final = ("audit", "model")
"""The commands that are groups themselves."""


class LazyGroup(click.Group):
    """A group whose help imports none of its commands.

    ``sections``: heading → command → what it does in a few words. A command's module below
    ``package`` has its name (with _ for -) unless ``modules`` has another one, and holds it as
    ``command``, or several by their names as ``commands``.
    """

    def __init__(
        self,
        *args: Any,
        package: str,
        sections: Mapping[str, Mapping[str, str]],
        modules: Mapping[str, str] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(*args, **others)
        self.sections = sections
        self._package = package
        self._modules = modules or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        own = cmd_name.replace("-", "_")
        module = importlib.import_module(f"{self._package}.{self._modules.get(cmd_name, own)}")
        command: click.Command = (
            module.commands[cmd_name] if hasattr(module, "commands") else module.command
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands under their headings, what they do in one column."""
        width = max(map(len, self.list_commands(ctx)))
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), it) for name, it in commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; one that there is not is refused with the name that is like it."""
        name = args[0]
        if name not in self.list_commands(ctx) and name[:1] != "-" and not ctx.resilient_parsing:
            ctx.fail(f"there is no command '{name}'{self._hint(ctx, name)}")
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: click.Context, word: str) -> str:
        """`` (did you mean …?)`` if a command here or in a group below is like the word."""
        known = list(self._known(ctx))
        near = difflib.get_close_matches(word.lower(), [name for name, _ in known], n=1)
        meant = " or ".join(f"'{path}'" for name, path in known if name in near)
        return f" (did you mean {meant}?)" if meant else ""

    def _known(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        """Each command's name, and the words that lead to it from here."""
        for name in self.list_commands(ctx):
            yield name, name
            group = self.get_command(ctx, name) if name in GROUPS else None
            if isinstance(group, LazyGroup):
                yield from ((below, f"{name} {below}") for below in group.list_commands(ctx))
