"""How far long work on a log has come, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Watch: TypeAlias = Callable[[str, int, int | None], None]
"""Is told what is done now, how much of it is done, and how much there is; None: nobody knows."""


def unwatched(what: str, done: int, total: int | None) -> None:
    """Nobody waits."""
