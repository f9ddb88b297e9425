"""Waiting for what another thread or process does; never for time to pass.

A test that waits so passes on any machine. The limit is a safety net for one that would wait for
ever, far longer than anything takes beside other work: no test says how fast a machine is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60
"""The safety net: how long a test waits for what comes at once on a quiet machine."""
FOREVER_S = 3600
"""For limits that must not end while a test runs."""


def until(condition: Callable[[], bool], what: str) -> None:
    """Return once the condition holds; ``what`` names it where it never does."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.002)
