"""``smile-gate clear-fault``: end by hand what does not end by itself."""

from gate.cli.operator import steering
from gate.interfaces.control.protocol import Command

command = steering(
    Command.CLEAR_FAULT,
    "End an emergency whose contact is at rest again, and the pause after several crashes."
    " Other faults end by themselves once the part works.",
    "smile-gate clear-fault --json",
)
