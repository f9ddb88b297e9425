"""A damaged log is never lost from sight: it is set aside, named, and read as far as it goes."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.audit import CorruptLog, Store
from gate.audit.export_row import holds
from gate.audit.recovery import salvage
from gate.audit.session import Session
from gate.cli.audit import command
from gate.core.domain import Event, EventKind, Reason
from gate.errors import StoreError
from gate.service.earlier_runs import read
from tests.logs import Clock, face_seen, granted, judged, tampering

PAGE = 4096


def filled(path: Path, clock: Clock, visits: int = 400) -> None:
    with Store.open(path, now=clock) as store:
        for first in range(0, visits, 50):
            store.record(
                [
                    event
                    for visit in range(first, first + 50)
                    for event in (face_seen(visit), granted(visit))
                ]
            )


def damage(path: Path, first: int, last: int) -> None:
    """Write garbage over pages `first` to `last`."""
    with path.open("r+b") as file:
        file.seek(first * PAGE)
        file.write(random.Random(1).randbytes((last - first + 1) * PAGE))


def aside_of(path: Path) -> Path:
    (aside,) = path.parent.glob("audit.db.damaged-*Z")
    return aside


def test_a_damaged_log_is_set_aside_and_named(path: Path, clock: Clock) -> None:
    """Opening a log that can't be read keeps it, and the new one says where it is, first of all."""
    filled(path, clock)
    damage(path, 0, 3)
    before = path.read_bytes()
    with Store.open(path, now=clock) as store:
        begun, first = store.records()
        assert store.set_aside == first
    assert begun.event.kind is EventKind.LOG_BEGUN
    assert first.event.kind is EventKind.LOG_SET_ASIDE
    aside = aside_of(path)
    assert json.loads(first.event.detail or "")["file"] == aside.name
    assert aside.read_bytes() == before
    assert judged(path).whole


def test_the_last_good_row_is_named(path: Path, clock: Clock) -> None:
    """Where newest pages are broken, the new log names the last event that can still be read."""
    filled(path, clock)
    with closing(Session(path, read_only=True)) as session:
        whole = list(salvage(session))
    size = path.stat().st_size // PAGE
    damage(path, size - 4, size - 1)
    with Store.open(path, now=clock) as store:
        assert store.set_aside is not None
        last = json.loads(store.set_aside.event.detail or "")["last"]
    digests = {row["sequence"]: row["digest"] for row in whole}
    sequence, digest = last.split(":")
    assert digests[int(sequence)] == digest
    with closing(Session(aside_of(path), read_only=True)) as session:
        assert max(row["sequence"] for row in salvage(session)) == int(sequence)


@pytest.mark.slow
def test_no_damaged_page_keeps_the_gate_from_starting(path: Path, clock: Clock) -> None:
    """Whichever page it is: what a start reads and writes can be read and written."""
    filled(path, clock)
    with Store.open(path, now=clock) as store:
        store.record(
            [
                Event(EventKind.UNCLEAN_END, 1.0),
                Event(EventKind.STARTED, 2.0),
                Event(EventKind.LANE_CLOSED, 3.0, reason=Reason.OPERATOR, who="alice"),
            ]
        )
    whole = path.read_bytes()
    for page in range(len(whole) // PAGE):
        path.write_bytes(whole)
        damage(path, page, page)
        with Store.open(path, now=clock) as store:
            read(store, 300)
            store.record([Event(EventKind.STARTED, 4.0), face_seen(1)])
        for rest in path.parent.glob("audit.db*"):
            rest.unlink()


def test_a_log_that_breaks_while_it_is_open(path: Path, clock: Clock) -> None:
    """A gate whose log breaks goes on with a new one, and the event isn't lost."""
    filled(path, clock)
    with Store.open(path, now=clock) as store:
        store.record([Event(EventKind.STARTED, 0.0)])
        with store.session.driver() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        damage(path, 1, path.stat().st_size // PAGE - 1)
        store.session.close()  # as after any failure: nothing is left in memory
        (record,) = store.record([face_seen(1)])
        assert record.sequence == 3
        assert next(store.records(after=1)).event.kind is EventKind.LOG_SET_ASIDE
    assert aside_of(path).exists()


def test_commands_set_nothing_aside(path: Path, clock: Clock) -> None:
    """A command that only reads, or was told not to mend, leaves the damaged log where it is."""
    filled(path, clock)
    damage(path, 0, 3)
    with pytest.raises(CorruptLog, match="restore a backup"):
        Store.open(path, read_only=True)
    with pytest.raises(CorruptLog, match="restore a backup"):
        Store.open(path, mends=False)
    assert not [*path.parent.glob("*damaged*")]


@pytest.mark.slow
def test_a_log_that_lost_its_end_is_salvaged(path: Path, clock: Clock, tmp_path: Path) -> None:
    """A file cut short, as by a power cut of a bad card, is read as far as it goes."""
    filled(path, clock)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 3 * PAGE)
    with Store.open(path, now=clock) as store:
        assert store.set_aside is not None
        last = json.loads(store.set_aside.event.detail or "")["last"]
    target = tmp_path / "left.csv"
    said = CliRunner().invoke(command, ["salvage", str(target), "--database", str(aside_of(path))])
    assert said.exit_code == 1, said.output
    first = int(last.split(":")[0]) + 1
    assert f"missing: events {first} to 801" in said.output
    assert f"; {802 - first} are missing" in said.output
    sequences = [int(line.split(",")[0]) for line in target.read_text().splitlines()[1:]]
    assert len(sequences) > 500
    assert max(sequences) == int(last.split(":")[0])


@pytest.mark.slow
@pytest.mark.parametrize("left", [30_000, 4_096])
def test_a_log_of_which_nothing_is_left_is_no_success(
    path: Path, clock: Clock, tmp_path: Path, left: int
) -> None:
    """Exit code 1, and how many are missing, or that even this can't be read."""
    filled(path, clock)
    with path.open("r+b") as file:
        file.truncate(left)
    words = ["salvage", str(tmp_path / "left.csv"), "--database", str(path)]
    said = CliRunner().invoke(command, words)
    assert said.exit_code == 1, said.output
    assert "missing: events 1 to 801\n" in said.output
    assert "0 are proved by their digest; 801 are missing\n" in said.output
    path.with_suffix(".head.json").unlink()
    words[1] = str(tmp_path / "again.csv")
    said = CliRunner().invoke(command, words)
    assert said.exit_code == 1, said.output
    assert "How many there were can't be read either; a backup may have them." in said.output


NUMBERS = (
    "user_version=262146",
    "user_version=-1",
    "user_version=0",
    "user_version=1",
    "application_id=7",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_damaged_numbers_are_explained_and_set_aside(path: Path, clock: Clock, number: str) -> None:
    """A layout's or an application's number that doesn't fit is damage: a line, then a new log."""
    filled(path, clock, 50)
    with closing(sqlite3.connect(path)) as log:
        log.execute(f"PRAGMA {number}")
    for words in (["verify"], ["list"], ["stats"], ["head"]):
        said = CliRunner().invoke(command, [*words, "--database", str(path)])
        assert isinstance(said.exception, SystemExit | StoreError), words
        assert "\n" not in str(said.exception)
    left = CliRunner().invoke(command, ["salvage", str(path) + ".csv", "--database", str(path)])
    assert (left.exit_code, left.output[:4]) == (0, "101 ")
    with Store.open(path, now=clock) as store:
        assert store.set_aside is not None
        store.record([face_seen(1)])


def test_a_log_without_its_origins_is_set_aside(path: Path, clock: Clock) -> None:
    """Events that lost what they were judged by don't keep the gate from starting."""
    filled(path, clock, 50)
    with closing(sqlite3.connect(path)) as log:
        log.execute("DROP TRIGGER origin_kept")
        log.execute("DELETE FROM origin")
        log.commit()
    said = CliRunner().invoke(command, ["verify", "--database", str(path)])
    assert (said.exit_code, "isn't as" in said.output) == (1, True)
    with Store.open(path, now=clock) as store:
        assert store.set_aside is not None


def test_a_word_that_nobody_wrote_is_damage(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged kind of event is set aside; one of a newer program says to upgrade, and stays."""
    filled(path, clock, 50)
    with tampering(path) as log:
        log.execute("UPDATE what SET kind = 'grbnted' WHERE kind = 'granted'")
    with Store.open(path, now=clock) as store:
        assert store.set_aside is not None
    newer = path.with_name("newer.db")
    with Store.open(newer, now=clock) as store:
        event = Event("door_ajar", 1.0)  # type: ignore[arg-type]  # a kind to come
        with monkeypatch.context() as patch, store.session.writing() as connection:
            patch.setattr("gate.audit.rows.record", lambda row: row)  # a program that knows it
            store.append(connection, [event])
    with pytest.raises(StoreError, match="a newer smile-gate wrote it"):
        Store.open(newer, now=clock)
    assert newer.exists()


@pytest.mark.slow
def test_a_long_stretch_that_cannot_be_read_is_passed_over(path: Path, clock: Clock) -> None:
    """Salvage reads what is behind a long damaged stretch, and asks for few rows within it."""
    filled(path, clock, 4000)
    with closing(sqlite3.connect(path)) as log:
        leaves = log.execute(
            "SELECT pageno FROM dbstat WHERE name = 'event' AND pagetype = 'leaf' ORDER BY path"
        ).fetchall()
    for (page,) in leaves[3:-3]:
        damage(path, page - 1, page - 1)
    with closing(Session(path, read_only=True)) as session, session.driver() as connection:
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        found = [row["sequence"] for row in salvage(session)]
        connection.set_trace_callback(None)
    assert found[:100] == list(range(1, 101))
    assert found[-100:] == list(range(7902, 8002))
    assert len(asked) < 3000


def test_what_is_left_is_salvaged(path: Path, clock: Clock) -> None:
    """Every row that isn't on a broken page is read, and each that follows another holds."""
    filled(path, clock)
    with closing(Session(path, read_only=True)) as session:
        whole = list(salvage(session))
    assert len(whole) == 801
    assert all(map(holds, whole))
    damage(path, 30, 33)
    with closing(Session(path, read_only=True)) as session:
        left = list(salvage(session))
    assert 500 < len(left) < 800
    assert {row["digest"] for row in left} < {row["digest"] for row in whole}
    assert all(holds(row) for row in left if row["previous"])


@pytest.mark.parametrize("seed", range(12))
def test_garbage_anywhere_ends_in_one_line_or_a_new_log(
    path: Path, clock: Clock, seed: int
) -> None:
    """Garbage is a finding or one line of error, never a traceback, and the gate goes on."""
    filled(path, clock, 100)
    dice = random.Random(seed)
    with path.open("r+b") as file:
        file.seek(dice.randrange(path.stat().st_size - 64))
        file.write(dice.randbytes(64))
    said = CliRunner().invoke(command, ["verify", "--database", str(path)])
    assert said.exception is None or isinstance(said.exception, SystemExit | StoreError)
    assert "\n" not in str(said.exception)
    with Store.open(path, now=clock) as store:
        store.record([face_seen(1)])
