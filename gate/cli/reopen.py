"""``smile-gate reopen``: take an operator's close back."""

from gate.cli.operator import steering
from gate.interfaces.control.protocol import Command

command = steering(
    Command.REOPEN,
    "Take `smile-gate close` back: opening hours and key switch decide again.",
    'smile-gate reopen --reason "the floor is dry"',
    reason=False,
)
