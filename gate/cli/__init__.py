"""The command line: ``smile-gate COMMAND``; a command's module is imported when it is called."""

from __future__ import annotations

from typing import Any

import click

from gate import __version__
from gate.cli.lazy import LazyGroup
from gate.errors import ConfigError, GateError

SECTIONS = {
    "Run a gate": {
        "setup": "the first day: try camera, relay and face, write the settings",
        "run": "run the gate until it is stopped",
        "check": "find the mistakes in a configuration; print the settings",
        "doctor": "test every part on the spot and say how to mend it",
        "bench": "measure whether this machine keeps up with the camera",
        "safe-state": "put every output line into its safe position",
        "states": "print the rules of the gate as a table or a diagram",
    },
    "Steer a gate": {
        "status": "show how the running gate is, and what to do about it",
        "open": "let one guest through by hand",
        "close": "close the lane until it is reopened",
        "reopen": "take an operator's close back",
        "clear-fault": "end an emergency that is over, or the pause after crashes",
        "reload": "apply the changed settings to the running gate",
    },
    "The log": {
        "audit": "ask who passed, when, and why not; verify the log, copy it",
        "events": "print the log's events through the running gate, as they come",
    },
    "Try on recordings": {
        "demo": "run the gate on a rendered clip, without camera or relay",
        "replay": "run the gate on a recorded clip, on the clip's own clock",
        "segments": "compare what clips were granted with what they should have been",
        "classify": "judge photos or folders of photos",
    },
    "Models": {
        "model": "train a model on your own faces, judge it, export it",
    },
}
"""Heading → command → what it does in a few words."""

STEERING = dict.fromkeys(("open", "close", "reopen", "clear-fault", "reload"), "operator")
"""The operator's commands, which share a module."""


def say_failure(error: GateError) -> None:
    """Write an expected error to standard error; a configuration's lines name their file."""
    prefix = "" if isinstance(error, ConfigError) else "smile-gate: "
    click.echo(f"{prefix}{error}", err=True)


class CommandLine(LazyGroup):
    """All commands; an expected error is said in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `GateError` becomes its one line and its exit code."""
        try:
            return super().invoke(ctx)
        except GateError as error:
            say_failure(error)
            ctx.exit(error.exit_code)


@click.group(
    cls=CommandLine,
    package="gate.cli",
    sections=SECTIONS,
    modules=STEERING,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  smile-gate status\n  smile-gate open --help",
)
@click.version_option(__version__, prog_name="smile-gate")
def group() -> None:
    """A turnstile that opens for a smile."""


def main() -> None:
    """Run the command line; the console script ``smile-gate`` is this."""
    group(prog_name="smile-gate")
