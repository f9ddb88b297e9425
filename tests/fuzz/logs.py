"""Logs whose bytes were changed: what differs is never whole, and nothing but a line is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from gate.audit import Store
from gate.audit.recovery import salvage
from gate.audit.session import Session
from gate.audit.verify.log import verify
from gate.errors import StoreError
from tests.fuzz.target import Target, edited, expect_a_line
from tests.logs import Clock, face_seen, granted, left

OLD = Path(__file__).parent.parent / "audit" / "logs-0.1.0"


def check(folder: Path, data: bytes) -> None:
    """Verified as whole only if it says what a whole log says; readers end in a line."""
    path = folder / "audit.db"
    path.write_bytes(data)
    try:
        with closing(Session(path, read_only=True)) as session:
            whole = verify(session, deep=len(data) % 2 == 0).whole
    except StoreError as error:
        expect_a_line(error)
        whole = False
    assert not whole or content(path) in known(), "another log is called whole"
    try:
        with Store.open(path, read_only=True) as store:
            list(store.records(limit=50, newest_first=True))
        with closing(Session(path, read_only=True)) as session:
            list(salvage(session))
    except StoreError as error:
        expect_a_line(error)


def content(path: Path) -> tuple[object, ...]:
    """All that the events say, with the kinds of the values."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as log:
        log.text_factory = bytes
        present = {row[0] for row in log.execute("SELECT name FROM sqlite_schema")}
        tables = [name for name in (b"event", b"what", b"origin", b"edge") if name in present]
        return tuple(
            row for name in tables for row in log.execute(f"SELECT * FROM {name.decode()}")
        )


@cache
def whole_logs() -> tuple[bytes, ...]:
    """A small log of today's, one without events, and those that earlier versions wrote."""
    with TemporaryDirectory(prefix="smile-gate-fuzz-") as name:
        folder = Path(name)
        with Store.open(folder / "full.db", now=Clock()) as store:
            for visit in range(1, 12):
                store.record([face_seen(visit), left(visit) if visit % 2 else granted(visit)])
        Store.open(folder / "empty.db", now=Clock()).close()
        for script in sorted(OLD.glob("*.sql")):
            with closing(sqlite3.connect(folder / f"{script.stem}.db")) as log:
                log.executescript(script.read_text())
        return tuple(path.read_bytes() for path in sorted(folder.glob("*.db")))


@cache
def known() -> frozenset[tuple[object, ...]]:
    """What the whole logs say."""
    with TemporaryDirectory(prefix="smile-gate-fuzz-") as name:
        path = Path(name) / "audit.db"
        said = set()
        for data in whole_logs():
            path.write_bytes(data)
            said.add(content(path))
        return frozenset(said)


WORDS = [b"\x00" * 64, b"\xff" * 9, b"SQLite format 3\0", b"event", b"\x0d"]

LOGS = Target(
    "logs",
    "a log that differs is never called whole, and every reader ends with what it says or a line",
    40_000,
    st.deferred(lambda: edited(whole_logs(), WORDS)),
    check,
)
