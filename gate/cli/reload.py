"""``smile-gate reload``: apply the changed settings without a restart."""

from gate.cli.operator import steering
from gate.interfaces.control.protocol import Command

command = steering(
    Command.RELOAD,
    "Have the running gate read its configuration anew. All changes are applied, or none: a file"
    " with a mistake is refused, and so is a change that needs a restart.",
    "smile-gate reload --json",
)
