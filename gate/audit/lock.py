"""One gate to a log: two would give the same numbers, and take each other for crashed.

A running gate holds a lock on ``audit.db.lock``, a file beside the log: never on the log's own
file, whose locks are SQLite's. The kernel lets go of it with the process, however that ends, so
that a gate that was killed stands in nobody's way. Readers and commands take no lock.
Source: fcntl(2), "Advisory record locking".
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gate.errors import AnotherGate
from gate.system import durable

log = logging.getLogger(__name__)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of the log at ``path``. Raises `AnotherGate` where another process has it.

    A card on which no file can be made has a log that nobody writes: the gate runs without a lock.
    """
    place = lock_path(path)
    try:
        descriptor = _opened(place)
    except OSError as error:
        log.warning("no lock on the audit log: %s: %s", place, error.strerror)
        yield
        return
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError | PermissionError):
                log.warning("no lock on the audit log: %s: %s", place, error.strerror)
            else:
                raise AnotherGate(
                    f"audit log {path}: another gate writes it{_holder(descriptor)}; stop that one"
                    " first, or give this one a log of its own in store.path"
                ) from None
        with suppress(OSError):  # a full disk has no room for the number
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def lock_path(path: Path) -> Path:
    """The lock's file, the same for every way to write the log's path."""
    real = path.resolve()
    return real.with_name(real.name + ".lock")


def _opened(place: Path) -> int:
    place.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(place, flags, durable.PRIVATE)
    with suppress(OSError):
        durable.as_its_folder(place)
    return descriptor


def _holder(descriptor: int) -> str:
    with suppress(OSError, ValueError):
        return f" (process {int(os.pread(descriptor, 20, 0))})"
    return ""
