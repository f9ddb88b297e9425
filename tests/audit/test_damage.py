"""Damage of any kind: a line, a finding or a new log, never a traceback, never whole if it isn't.

``SMILE_GATE_DAMAGE`` is how many damaged logs are tried; the seed is in each test's name.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.audit import Store
from gate.audit.erase import erase
from gate.audit.recovery import salvage
from gate.audit.retention import prune
from gate.audit.session import Session
from gate.audit.verify.log import verify
from gate.cli.audit import command
from gate.core.domain import Event, EventKind, Reason
from gate.errors import StoreError
from tests.logs import Clock, face_seen, granted, left

PAGE = 4096
LOGS = int(os.environ.get("SMILE_GATE_DAMAGE", "200"))
A_TEST = 40
READERS = (
    ("verify", "--jobs", "1"),
    ("list", "--json"),
    ("list", "--since", "2026-05-01", "--limit", "20"),
    ("show", "7"),
    ("stats", "--since", "2026-05-01", "--until", "2026-05-02"),
    ("top", "reasons", "--since", "2026-05-01", "--until", "2026-05-02"),
    ("head",),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A log that was pruned, has words, erased ones too, and no `stopped` at its end."""
    path = tmp_path_factory.mktemp("whole") / "audit.db"
    with Store.open(path, now=Clock()) as store:
        store.record([Event(EventKind.STARTED, 0.0, detail="version 0.1.0")])
        for visit in range(1, 60):
            store.record([face_seen(visit), left(visit) if visit % 2 else granted(visit)])
            who = {"reason": Reason.OPERATOR, "who": "anna", "detail": f"ticket {visit}"}
            store.record([Event(EventKind.OPERATOR_GRANTED, 1.0, visit=visit, **who)])  # type: ignore[arg-type]  # the fields are those of an event
        prune(store.session, store.append, lambda connection: 20, monotonic=1.0)
        erase(store, 50, who="anna", reason="asked for")
    return path.read_bytes()


def content(path: Path) -> list[tuple[object, ...]] | None:
    """All that the events say, with the kinds of the values; None where it can't be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as log:
            log.text_factory = bytes
            return [
                row
                for table in ("event", "what", "origin", "checkpoint", "edge")
                for row in log.execute(f"SELECT * FROM {table}")
            ]
    except (sqlite3.Error, UnicodeError):
        return None


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def flip_in_the_head(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(100)] ^= 1 << dice.randrange(8)


def some_bytes(data: bytearray, dice: random.Random) -> None:
    at, size = dice.randrange(len(data) - 64), dice.randrange(1, 64)
    data[at : at + size] = dice.randbytes(size)


def zero_a_page(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = bytes(PAGE)


def garble_a_page(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = dice.randbytes(PAGE)


def swap_pages(data: bytearray, dice: random.Random) -> None:
    one, two = (dice.randrange(1, len(data) // PAGE) * PAGE for _ in range(2))
    page = data[one : one + PAGE]
    data[one : one + PAGE] = data[two : two + PAGE]
    data[two : two + PAGE] = page


def cut_off(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


COLUMNS = [
    (table, column)
    for table, columns in {
        "event": "sequence origin what wall trusted monotonic visit score who detail digest words",
        "what": "id kind reason before after",
        "origin": "id gate boot threshold",
        "tally": "quarter what count",
        "quarter": "quarter first last",
        "edge": "log begun size hashes",
        "checkpoint": "sequence first last visit digest log begun edge",
    }.items()
    for column in columns.split()
]
VALUES = (None, "x", "", b"x", b"", -1, 2**62, 1.5, "ÿ", 0)


def put_a_value(path: Path, dice: random.Random) -> None:
    """Put a value of another kind into a column, as no rule of the file allows."""
    table, column = dice.choice(COLUMNS)
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        log.execute("PRAGMA writable_schema=ON")
        log.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(sql, 'STRICT', ''), ' NOT NULL', '')"
            " WHERE type = 'table' AND name <> 'tally'"
        )
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        triggers = dict(log.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        for name in triggers:
            log.execute(f"DROP TRIGGER {name}")
        places = [row[0] for row in log.execute(f"SELECT {column} FROM {table}")]
        with suppress(sqlite3.Error):
            log.execute(
                f"UPDATE {table} SET {column} = ? WHERE {column} IS ?",
                (dice.choice(VALUES), dice.choice(places)),
            )
        for sql in triggers.values():
            log.execute(sql)
        log.execute("PRAGMA journal_mode=DELETE")


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip,
    flip,
    flip_in_the_head,
    some_bytes,
    zero_a_page,
    garble_a_page,
    swap_pages,
    cut_off,
)


def damaged(whole: bytes, path: Path, dice: random.Random) -> str:
    """Lay out a damaged copy of the log; what was done to it."""
    if dice.random() < 0.3:
        path.write_bytes(whole)
        put_a_value(path, dice)
        return "value"
    data = bytearray(whole)
    damage = dice.choice(DAMAGES)
    damage(data, dice)
    path.write_bytes(data)
    return damage.__name__


def run(*words: str) -> None:
    """A command ends, with a line if need be, and never with a traceback."""
    ended = CliRunner().invoke(command, words)
    assert ended.exception is None or isinstance(ended.exception, SystemExit | StoreError), words
    assert "\n" not in str(ended.exception)


def said_whole(path: Path, *, deep: bool) -> bool:
    """Whether a verification says so; False also where it says in a line why it could not look."""
    try:
        with closing(Session(path, read_only=True)) as session:
            return verify(session, deep=deep).whole
    except StoreError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(-(-LOGS // A_TEST)))
def test_damage_is_a_line_a_finding_or_a_new_log(whole: bytes, tmp_path: Path, seed: int) -> None:
    """Whatever was damaged: readers say it, what differs isn't whole, and the gate goes on."""
    dice = random.Random(seed)
    untouched = tmp_path / "untouched.db"
    untouched.write_bytes(whole)
    expected = content(untouched)
    for number in range(A_TEST):
        place = tmp_path / str(number)
        place.mkdir()
        path = place / "audit.db"
        done = f"seed {seed}, log {number}: {damaged(whole, path, dice)}"
        assert not said_whole(path, deep=number % 5 == 0) or content(path) == expected, done
        on = ("--database", str(path))
        for words in dice.sample(READERS, 2):
            run(*words, *on)
        run("salvage", str(place / "left.csv"), *on)
        try:
            store = Store.open(path, now=Clock())
        except StoreError as error:
            if "newer smile-gate" not in str(error):  # which a layout's number may say
                raise
            continue
        with store:
            store.record([Event(EventKind.STARTED, 1.0), face_seen(1)])
            recent = [record.event.kind for record in store.records(limit=2, newest_first=True)]
            assert recent == [EventKind.FACE_SEEN, EventKind.STARTED], done
        shutil.rmtree(place)


def test_salvage_reads_events_that_lost_what_they_share(whole: bytes, path: Path) -> None:
    """Where `what` or `origin` is damaged, each event is read with what it has of its own."""
    path.write_bytes(whole)
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        for trigger in ("what_kept", "origin_kept"):
            log.execute(f"DROP TRIGGER {trigger}")
        (events,) = log.execute("SELECT count(*) FROM event").fetchone()
        log.execute("DELETE FROM origin")
        log.execute("DELETE FROM what WHERE kind = 'granted'")
    with closing(Session(path, read_only=True)) as session:
        rows = list(salvage(session))
    assert len(rows) == events
    assert {row["visit"] for row in rows} > {20, 30, 40, 50}
    assert {row["who"] for row in rows} == {None, "anna"}
