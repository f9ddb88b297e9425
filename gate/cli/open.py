"""``smile-gate open``: let one guest through by hand."""

from gate.cli.operator import steering
from gate.interfaces.control.protocol import Command

command = steering(
    Command.OPEN,
    "Open the gate for one guest; who and why stand in the audit log.",
    'smile-gate open --reason "guest in a wheelchair"',
    reason=True,
)
