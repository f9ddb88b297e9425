"""The installed service again, on the next Debian: Python 3.13, a newer systemd."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rig import userland, wheels
from tests.rig.service import life
from tests.rig.table import Step


def steps() -> Iterator[Step]:
    """The same steps as those of `service`."""
    yield from life(userland.TRIXIE, wheels.TRIXIE)
