"""``smile-gate close``: close the lane until somebody reopens it."""

from gate.cli.asking import steering
from gate.control import Command

command = steering(
    Command.CLOSE,
    "Close the lane until `smile-gate reopen`, whatever the hours, also after a restart.",
    'smile-gate close --reason "the ride stands still"',
    reason=False,
)
