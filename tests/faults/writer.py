"""A program that records events as fast as it can, until it is killed.

``python -m tests.faults.writer LOG`` writes, for each line that it reads, a new process that opens
the log, says its process id, and then, after each transaction, how many events are in the log.
With a number after LOG it makes so many transactions in its own process, and ends without closing
the log.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from gate.audit import Store, retention
from gate.audit.upkeep import fold_wal
from gate.core.domain import Event, EventKind, Reason, State


def visit(number: int) -> list[Event]:
    """A guest who is let in."""
    return [
        Event(EventKind.FACE_SEEN, 1.0, State.IDLE, State.FACE_PRESENT, visit=number),
        Event(
            EventKind.GRANTED, 2.0, State.SMILING, State.GRANTED, Reason.SMILE_HELD, number, 0.9, 5
        ),
    ][: 1 + number % 2]


def write(path: Path, transactions: int | None) -> None:
    """Record visits, now and then prune and fold the WAL; say what is done, once it is done."""
    with Store.open(path, mends=False) as store:
        say(f"pid {os.getpid()}")
        for number in count(1) if transactions is None else range(1, transactions + 1):
            say(f"done {store.record(visit(number))[-1].sequence}")
            if number % 40 == 0:
                keep_some(store, store.record(visit(number))[-1].sequence - 60)
            if number % 64 == 0:
                fold_wal(store)
        os._exit(0)


def keep_some(store: Store, last: int) -> None:
    """Prune all events up to the one with this number."""
    retention.prune(store.session, store.append, lambda connection: last, monotonic=1.0)


def say(text: str) -> None:
    """Write a line at once, without a buffer that a kill could lose."""
    os.write(1, f"{text}\n".encode())


def main() -> None:
    """See the module."""
    path = Path(sys.argv[1])
    if len(sys.argv) > 2:
        write(path, int(sys.argv[2]))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            write(path, None)
        os.waitpid(child, 0)
        say("gone")


if __name__ == "__main__":
    main()
