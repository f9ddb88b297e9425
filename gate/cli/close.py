"""``smile-gate close``: close the lane until somebody reopens it."""

from gate.cli.operator import steering
from gate.interfaces.control.protocol import Command

command = steering(
    Command.CLOSE,
    "Close the lane until `smile-gate reopen`, whatever the hours, also after a restart.",
    'smile-gate close --reason "the ride stands still"',
    reason=False,
)
