"""The command line: ``smile-gate COMMAND``; a command's module is imported when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from gate import __version__
from gate.errors import ConfigError, GateError

COMMANDS = {
    "audit": "ask the audit log who passed, when, and why not",
    "bench": "measure the work a frame takes, beside a naive loop",
    "card": "write the measured tables of a model's card",
    "check": "check a configuration and print the effective settings",
    "classify": "judge photos or folders of photos",
    "clear-fault": "end an emergency that is over, or the pause after crashes",
    "close": "close the lane until it is reopened",
    "compare": "compare all architectures on the same data",
    "demo": "run the gate on a clip made from a NASA photo, without camera or relay",
    "doctor": "test every part on the spot and say how to mend it",
    "evaluate": "measure a model on folders of faces",
    "export": "turn a trained model into TFLite, float and int8",
    "eyes": "train the model that tells open eyes from closed ones",
    "open": "let one guest through by hand",
    "reload": "apply the changed settings to the running gate",
    "reopen": "take an operator's close back",
    "opinions": "ask networks from elsewhere about the training faces",
    "replay": "run the gate on a recorded clip, on the clip's own clock",
    "run": "run the gate",
    "safe-state": "put every output line into its safe position",
    "segments": "judge clips with labelled stretches: what was granted, what should have been",
    "states": "print the state machine as a table or a diagram",
    "status": "how the running gate is, and what to do about it",
    "train": "train a smile model on folders of faces",
}
"""Every command and what it does in a few words; the module has the command's name."""

TRAINING = {"card", "compare", "evaluate", "export", "eyes", "opinions", "train"}
"""Those whose modules are in ``gate/cli/model``."""


def say_failure(error: GateError) -> None:
    """Write an expected error to standard error; a configuration's lines name their file."""
    prefix = "" if isinstance(error, ConfigError) else "smile-gate: "
    click.echo(f"{prefix}{error}", err=True)


class Commands(click.Group):
    """A group that imports a command only when it is asked for, and says errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        folder = "model." if cmd_name in TRAINING else ""
        module = importlib.import_module(f"gate.cli.{folder}{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `GateError` becomes its one line and its exit code."""
        try:
            return super().invoke(ctx)
        except GateError as error:
            say_failure(error)
            ctx.exit(error.exit_code)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: smile-gate replay clip.mp4 --plot timeline.png",
)
@click.version_option(__version__, prog_name="smile-gate")
def group() -> None:
    """A turnstile that opens for a smile."""


def main() -> None:
    """Run the command line; the console script ``smile-gate`` is this."""
    group(prog_name="smile-gate")
