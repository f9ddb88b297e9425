"""What a guard becomes in these trials: its program on pins whose history is a file.

``python -m tests.faults.safe_state PINS RECORD FOLDER…``
"""

from __future__ import annotations

import sys
from pathlib import Path

from gate.hardware.make_safe import main
from tests.faults.pins import recording_factory

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], lambda name: recording_factory(Path(sys.argv[1]))))
