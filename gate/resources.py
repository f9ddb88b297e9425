"""Where the files that travel with the program are, in a checkout and in an installed wheel."""

from __future__ import annotations

import sys
from pathlib import Path


def path(name: str) -> Path:
    """Return where ``name`` (such as ``models/smile.tflite``) is, whether or not it exists.

    In a checkout it lies beside the package; a wheel puts it below ``share/smile-gate``
    (``data_files`` in setup.cfg).
    """
    beside = Path(__file__).resolve().parent.parent / name
    return beside if beside.exists() else Path(sys.prefix) / "share" / "smile-gate" / name
