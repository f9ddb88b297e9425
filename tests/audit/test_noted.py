"""What the log once had, it has at each start and each night, or the log says what it lacks."""

from __future__ import annotations

import json
import logging
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gate.audit import Store, noted, sidecar
from gate.audit.retention import prune
from gate.audit.upkeep import check, fold_wal
from gate.core.domain import Event, EventKind
from tests.logs import Clock, face_seen, granted, judged, left


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each commit is noted, not one a second."""
    monkeypatch.setattr(noted, "PAUSE_S", 0.0)


def kinds(store: Store) -> list[EventKind]:
    return [record.event.kind for record in store.records()]


def lost(store: Store) -> dict[str, str]:
    (record,) = store.records(event=EventKind.LOG_ROLLED_BACK)
    said: dict[str, str] = json.loads(record.event.detail or "")
    return said


def note(path: Path) -> dict[str, object]:
    said = sidecar.read(path, "head")
    assert said
    return said


@pytest.fixture
def older(store: Store, path: Path) -> Path:
    """A copy of the log as it was before its newest four events."""
    store.record([face_seen(1), left(1)])
    fold_wal(store)
    copy = path.with_name("older")
    shutil.copy(path, copy)
    for visit in (2, 3):
        store.record([face_seen(visit), granted(visit)])
    store.close()
    return copy


def test_the_head_is_noted_beside_the_log(store: Store, path: Path) -> None:
    """The note has the newest event at a stop, and whose log it is; it is never ahead."""
    (first,) = store.record([face_seen(1)])
    assert note(path)["digest"] == first.digest
    (last,) = store.record([left(1)])
    assert note(path)["digest"] == first.digest  # within the same second
    store.close()
    assert note(path) == {
        "log": store.log_id,
        "sequence": last.sequence,
        "digest": last.digest,
        "wall": "2026-05-01T08:00:00+00:00",
    }


def test_a_log_that_was_put_back_says_so(
    store: Store, path: Path, older: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An older copy in the log's place is noticed at the start, and begins another identity."""
    shutil.copy(older, path)
    with Store.open(path) as later:
        assert kinds(later)[-2:] == [EventKind.LOG_BEGUN, EventKind.LOG_ROLLED_BACK]
        said = lost(later)
        assert (said["noted"][:2], said["found"][:2]) == ("7:", "3:")
        assert later.log_id != store.log_id
        assert later.record([face_seen(9)])[0].sequence == 6
    assert "was rolled back" in caplog.text
    assert judged(path).whole
    with Store.open(path) as again:
        assert kinds(again).count(EventKind.LOG_ROLLED_BACK) == 1


def test_a_log_that_was_emptied_says_so(store: Store, path: Path, older: Path) -> None:
    """A log that was taken away is missed by the one that is begun in its place."""
    path.unlink()
    with Store.open(path) as later:
        assert kinds(later) == [EventKind.LOG_BEGUN, EventKind.LOG_BEGUN, EventKind.LOG_ROLLED_BACK]
    assert judged(path).whole


def test_a_log_written_anew_says_so(store: Store, path: Path, older: Path) -> None:
    """Other events under the numbers that were noted are noticed."""
    shutil.copy(older, path)
    with Store.open(path, mends=False) as forger:  # as any program but the gate: it notes nothing
        forger.record([face_seen(7), left(7), face_seen(8), left(8)])
    with Store.open(path) as later:
        assert "another one" in lost(later)["why"]


@pytest.mark.usefixtures("always")
def test_a_lost_wal_says_so(store: Store, path: Path) -> None:
    """A WAL that is gone after a crash takes events with it, and the next start says so."""
    store.record([face_seen(1)])
    fold_wal(store)
    store.record([left(1), face_seen(2)])
    crashed = path.with_name("crashed.db")
    for name in ("", ".head.json"):
        source = path if not name else path.with_suffix(name)
        shutil.copy(source, crashed if not name else crashed.with_suffix(name))
    with Store.open(crashed) as later:
        assert lost(later)["noted"].startswith("4:")
        assert lost(later)["found"].startswith("2:")


def test_a_wal_taken_away_while_in_use_loses_nothing(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The gate saves what an unlinked WAL has before it writes on, and says so in the journal."""
    for visit in range(20):
        store.record([face_seen(visit)])
    path.with_name("audit.db-wal").unlink()
    for visit in range(20, 30):
        store.record([face_seen(visit)])
    assert "-wal file was taken away" in caplog.text
    crashed = path.with_name("crashed.db")  # as SIGKILL leaves it: what has a name is there
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(path.name + suffix), crashed.with_name(crashed.name + suffix))
    with Store.open(crashed) as later:
        assert kinds(later).count(EventKind.FACE_SEEN) == 30
        assert EventKind.LOG_ROLLED_BACK not in kinds(later)
    assert judged(path).whole


@pytest.mark.usefixtures("always")
def test_the_night_looks_for_the_noted_head(store: Store, path: Path, older: Path) -> None:
    """A log put back under a running gate is no longer whole at night, and says what it lacks."""
    with Store.open(path) as running:
        running.record([face_seen(4)])
        running.session.close()  # as after any failure: the file is opened anew
        shutil.copy(older, path)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        verdict = check(running)
        assert not verdict.whole
        assert "was noted" in verdict.findings[0].text
        assert kinds(running)[-2:] == [EventKind.LOG_ROLLED_BACK, EventKind.VERIFIED]
        assert check(running).whole


def test_pruning_and_other_programs_are_no_rollback(busy: Store, path: Path, clock: Clock) -> None:
    """A head that was pruned, and events that a command wrote, are as they should be."""
    busy.close()
    with Store.open(path, mends=False) as command:
        command.record([Event(EventKind.EXPORTED, 1.0)])
        prune(command.session, command.append, lambda connection: 22, monotonic=1.0)
    clock.forward(timedelta(days=1))
    with Store.open(path) as store:
        store.record([face_seen(1)])
        assert EventKind.LOG_ROLLED_BACK not in kinds(store)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sequence": "x", "digest": 7}', "\0" * 99])
def test_a_note_that_makes_no_sense_is_none(busy: Store, path: Path, content: str) -> None:
    """Garbage in the note keeps no gate from starting, and is no rollback."""
    busy.close()
    path.with_suffix(".head.json").write_text(content)
    with Store.open(path) as store:
        store.record([face_seen(1)])
        assert EventKind.LOG_ROLLED_BACK not in kinds(store)
    assert note(path)["sequence"] == 22


def test_a_note_that_cannot_be_written_is_only_warned_of(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The gate goes on where the note can't be written."""
    path.with_suffix(".head.json").unlink(missing_ok=True)
    os.mkdir(path.with_suffix(".head.json"))
    caplog.set_level(logging.WARNING)
    assert store.record([face_seen(1)])[0].sequence == 2
    assert "cannot write" in caplog.text
