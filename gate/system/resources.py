"""The files that are shipped with the program: models, default settings, reference figures.

They lie below ``gate/data``, in a checkout as links to ``models/`` and ``config/``; the wheel has
the files themselves (``package_data`` in setup.cfg).
"""

from __future__ import annotations

from pathlib import Path

import gate

_DATA = Path(gate.__file__).parent / "data"


def path(name: str) -> Path:
    """The path of ``name`` (such as ``models/smile.tflite``), whether or not it exists."""
    return _DATA / name
