"""Writing a file so that it is there, whole, after a power cut.

Source: fsync(2), rename(2): the file's content is synced before it takes its name, the folder
after; a reader sees the old file or the new one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
"""Permissions of what only its owner may read."""


def write(path: Path, data: bytes, *, mode: int | None = None, sync: bool = True) -> None:
    """Write or replace a file. Raises OSError; then the old file is as it was.

    ``mode`` are its permissions, by the umask if None. Without ``sync`` readers still see one whole
    file, but a power cut may take both: for files that are written again and again, and are of no
    use after a restart.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with create(part, mode=0o666 if mode is None else mode) as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if sync:
            publish(part, path)
        else:
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def create(path: Path, *, mode: int = PRIVATE) -> BinaryIO:
    """Make a new file and open it for writing; no link is followed. Raises OSError.

    ``mode`` are its permissions, less what the umask takes.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")


def publish(part: Path, path: Path) -> None:
    """Give a finished file its name, in place of an older one of that name. Raises OSError."""
    part.replace(path)
    sync_folder(path.parent)


def as_its_folder(path: Path) -> None:
    """Give a file that root made to whom its folder belongs, so that the gate's user has it too.

    Raises OSError.
    """
    folder = path.parent.stat()
    if os.geteuid() == 0 and path.stat().st_uid != folder.st_uid:
        os.chown(path, folder.st_uid, folder.st_gid)


def sync_file(path: Path) -> None:
    """Write a finished file's content through to the card. Raises OSError."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Make a rename or a removal in the folder last through a power cut. Raises OSError."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
