"""Test of the audit log: whether it opens, is whole at its end, and can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from gate.audit.errors import ROOM, explaining, is_full
from gate.audit.session import Session
from gate.audit.verify.recent import check_newest
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, failed, ok, skipped, warn
from gate.errors import StoreError

AS_ROOT = "sudo smile-gate doctor"
EVENTS = 5000
"""Number of newest events that are verified."""


def log(patient: Patient) -> Iterator[Finding]:
    """Open it for reading, follow the newest part of its chain, try the right to write."""
    path = patient.config.store.path
    yield from _set_aside(path)
    try:
        with explaining(str(path)):
            there = path.stat().st_size > 0
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            yield ok(f"{path}: none yet, the gate makes it at its first start")
        elif isinstance(error.__cause__, PermissionError):
            yield skipped(f"you may not look at {path}", AS_ROOT)
        else:
            yield failed(error)
        return
    if not _allowed(path, os.R_OK):
        yield skipped(f"you may not read {path}", AS_ROOT)
        return
    if not there:
        yield warn(f"{path} is empty", "the gate fills it at its next start; was one copied here?")
        return
    try:
        with closing(Session(path, read_only=True)) as session:
            found = check_newest(session, EVENTS)
    except StoreError as error:
        yield failed(error)
        return
    if found.harm:
        yield _harmed(found.harm, path)
        return
    if found.outdated:
        yield warn(f"{path} has an older layout", "the gate upgrades it at its next start")
    span = f"events {found.first} to {found.last} are whole" if found.last else "no events yet"
    mine = patient.service_user is None or os.geteuid() in (0, patient.service_user.uid)
    if not mine and not _allowed(path, os.W_OK):
        yield ok(f"{path}: {span}; whether it can be written: {AS_ROOT}")
        return
    if is_full(path):
        yield fail(f"{path}: {span}, but its disk is full: it can't be written", ROOM)
        return
    try:
        _may_write(path)
    except StoreError as error:
        yield failed(error)
        return
    yield ok(f"{path}: {span}, it can be written")


def _harmed(harm: str, path: Path) -> Finding:
    verify = f"smile-gate audit verify --database {path}"
    return fail(harm, f"keep a copy of it before anything else; then {verify}")


def _allowed(path: Path, right: int) -> bool:
    return os.access(path, right, effective_ids=True)


def _may_write(path: Path) -> None:
    """Take the lock that a write needs, and release it at once: nothing is written."""
    with closing(Session(path)) as session, session.driver() as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _set_aside(path: Path) -> Iterator[Finding]:
    """Damaged logs that the gate set aside."""
    with suppress(OSError):
        names = sorted(one.name for one in path.parent.glob(f"{path.name}.damaged-*"))
        whole = [name for name in names if not name.endswith(("-wal", "-shm"))]
        if whole:
            yield warn(
                f"a damaged log was set aside: {whole[-1]}",
                f"`smile-gate audit salvage` reads what is left; then move it out of {path.parent}",
            )
