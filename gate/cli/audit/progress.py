"""A bar for long work on a log, for who waits at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gate.audit.watch import Watch, unwatched

if TYPE_CHECKING:
    from rich.console import Console

MANY = 2**53
"""Events that no log has: what a file says of itself may be anything."""


@contextmanager
def shown(on: Console | None = None) -> Iterator[Watch]:
    """A watcher that shows a bar on standard error, which is gone at the end.

    Where that is no terminal, such as in a pipe or a nightly job, nothing is shown.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = on or Console(stderr=True)
    if not console.is_terminal:
        yield unwatched
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("")

        def watch(what: str, done: int, total: int | None) -> None:
            known = total if total is not None and total < MANY else None
            bar.update(task, description=what, completed=done, total=known)

        yield watch
