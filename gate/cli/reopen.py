"""``smile-gate reopen``: take an operator's close back."""

from gate.cli.asking import steering
from gate.control import Command

command = steering(
    Command.REOPEN,
    "Take `smile-gate close` back: opening hours and key switch decide again.",
    'smile-gate reopen --reason "the floor is dry"',
    reason=False,
)
