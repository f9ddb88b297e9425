"""``python -m gate`` is ``smile-gate``."""

from gate.cli import main

main()
