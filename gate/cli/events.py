"""``smile-gate events``: the log's events through the running gate, for scripts and auditors."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import click

from gate.cli.common import example, say_json
from gate.cli.operator import EXIT_CODES, gate_options, socket_of
from gate.interfaces.control.protocol import Command, stream


@example("smile-gate events --after 8121 --follow")
@click.command(
    "events",
    help="Print the events after a number, one JSON object a line, as the running gate reads them"
    " from its log; its settings say who may (control.readers). Units are those of the log: wall"
    " is milliseconds, monotonic microseconds, score millionths, waited milliseconds."
    f"\n\n{EXIT_CODES}",
)
@gate_options
@click.option(
    "--after", type=click.IntRange(min=0), default=0, help="Number of the last one known."
)
@click.option("--follow", is_flag=True, help="Go on with new events as they come, until Ctrl-C.")
def command(socket: Path | None, config: Path | None, after: int, follow: bool) -> None:
    """Print each row of each page by the names of its columns."""
    path = socket_of(socket, config)
    lines = stream(path, Command.EVENTS, None if follow else 60.0, after=after, follow=follow)
    with closing(lines), suppress(KeyboardInterrupt):
        columns: list[str] = []
        for page, _ in lines:
            columns = page.get("columns", columns)
            for row in page.get("events", ()):
                say_json(dict(zip(columns, row, strict=True)))
