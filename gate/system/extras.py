"""Libraries that only some commands need, and how to install them where they are missing.

A hint names the libraries themselves, for the Python that runs: `smile-gate` is on no index, and a
package of that name there would be somebody else's.
"""

from __future__ import annotations

import os
import sys

NEEDS = {
    "plot": ("matplotlib>=3.8",),
    "export": ("pyarrow>=15,<24" if sys.version_info < (3, 12) else "pyarrow>=18",),
    "metrics": ("prometheus-client>=0.20,<1",),
    "train": (
        "matplotlib>=3.8",
        "tensorflow-cpu==2.15.1" if sys.version_info < (3, 12) else "tensorflow>=2.20",
    ),
}
"""The extras of setup.cfg, with what each asks for on this Python."""


def install(extra: str) -> str:
    """The command that installs what an extra needs into this Python."""
    packages = " ".join(f"'{one}'" for one in NEEDS[extra])
    sudo = "" if os.access(sys.prefix, os.W_OK) else "sudo "
    return f"{sudo}{sys.executable} -m pip install {packages}"
