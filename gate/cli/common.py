"""Options that several commands share, and the ways in which they write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

import click

from gate.core.text import escaped

if TYPE_CHECKING:
    from rich.console import Console

    from gate.config import Config

Command = TypeVar("Command", bound=click.Command)
FILE = click.Path(path_type=Path)
PLAIN: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
"""How a console has to show what people or files may have written."""

config_option = click.option(
    "--config", type=FILE, help="Settings of the gate; without it the built-in defaults."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def example(text: str) -> Callable[[Command], Command]:
    """Give a command's help an example at its end."""

    def add(command: Command) -> Command:
        command.epilog = f"\b\nExample:\n  {text}"
        return command

    return add


def console() -> Console:
    """Standard output for tables: as wide as the terminal; wide where it is a pipe or a file.

    In a pipe no line ends in blanks. Text is shown as it is: an operator's words are no markup.
    """
    from rich.console import Console

    out = Console(**PLAIN)
    if out.is_terminal:
        return out
    return Console(width=160, file=cast("IO[str]", _Unpadded(out.file)), **PLAIN)


class _Unpadded:
    """A file whose lines do not end in the blanks with which a table fills its last column."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write the text without the blanks at the ends of its lines."""
        return self._file.write(re.sub(r" +(?=\n)", "", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def settings(path: Path | None) -> Config:
    """The settings of a file, or the built-in defaults. Raises `ConfigError`."""
    from gate.config import Config  # pydantic takes half a second on a Pi: only where needed
    from gate.config.load import load

    return Config() if path is None else load(path)


def say_json(value: dict[str, Any]) -> None:
    """Write one JSON object as a line of standard output, at once; letters as they are."""
    click.echo(escaped(json.dumps(value, ensure_ascii=False)))
