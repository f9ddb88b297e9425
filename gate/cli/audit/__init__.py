"""`smile-gate audit …`: ask the log, check it, copy it; a module for each subcommand."""

from __future__ import annotations

import click

from gate.cli.common import example
from gate.cli.lazy import LazyGroup

SECTIONS = {
    "Ask": {
        "list": "list events, the newest last",
        "show": "show everything about one visit, and what it was judged by",
        "stats": "count grants and denials by hour, day or reason",
        "top": "list the commonest reasons or events, or the busiest hours",
        "export": "write events to a file for somebody else",
    },
    "Prove": {
        "verify": "verify a log, a copy or an export: is it as it was written?",
        "head": "print the newest event's digest, to be noted elsewhere",
    },
    "Keep": {
        "backup": "copy the log into a folder, verified",
        "restore": "put a backup in the log's place",
        "salvage": "write down what a damaged log still says",
        "prune": "delete the oldest events, on record",
        "erase": "erase the words of an event, on record",
    },
}
"""Heading → command → what it does in a few words."""


@example("smile-gate audit list --since yesterday --event granted")
@click.group(
    "audit",
    cls=LazyGroup,
    package="gate.cli.audit",
    sections=SECTIONS,
    modules={"list": "list_events"},  # a module `list` would hide the builtin in this package
)
def command() -> None:
    """Ask the audit log, check it, copy it."""
    from gate.cli.audit.when import unknown_zone  # where a command follows, not for the help

    trouble = unknown_zone()
    if trouble is not None:
        click.echo(f"smile-gate: {trouble}", err=True)
