"""Libraries that only some commands need, and how to install one that is missing."""

from __future__ import annotations

import shlex
import sys

_OLD = sys.version_info < (3, 12)
PACKAGES = {
    "matplotlib": "matplotlib>=3.8",
    "prometheus_client": "prometheus-client>=0.20,<1",
    # Later ones want numpy 2, and tflite-runtime on Python 3.11 numpy 1.
    "pyarrow": "pyarrow>=15,<24" if _OLD else "pyarrow>=18",
    "tensorflow": "tensorflow-cpu==2.15.1" if _OLD else "tensorflow>=2.20",
}
"""A library → what pip is asked for: the extras of setup.cfg, which are on no index by our name."""


def missing(library: str, error: ImportError) -> str:
    """What is wrong with a library, and the command that mends it in this very environment."""
    return (
        f"{library}, which cannot be imported ({error}):"
        f" {sys.executable} -m pip install {shlex.quote(PACKAGES[library])}"
    )
