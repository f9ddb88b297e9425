"""Whose events these are: the log's identity, its two rules, erased words, and its tree."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gate.audit import Store, chain
from gate.audit.backup import back_up, restore
from gate.audit.erase import erase
from gate.audit.identity import read_edge
from gate.audit.retention import prune
from gate.audit.tree import Edge
from gate.audit.verify.findings import Harm
from gate.core.domain import Event, EventKind, Reason, State
from gate.errors import StoreError
from tests.logs import Clock, face_seen, first_harm, judged, left, tampering


def named(who: str | None, detail: str | None) -> Event:
    return Event(
        EventKind.OPERATOR_GRANTED, 1.0, State.IDLE, State.GRANTED, Reason.OPERATOR, who=who,
        detail=detail,
    )  # fmt: skip


def said(store: Store, sequence: int) -> dict[str, object]:
    detail = next(store.records(after=sequence - 1)).event.detail
    found: dict[str, object] = json.loads(detail or "")
    return found


def edge(store: Store) -> Edge:
    with store.session.reading() as connection:
        found = read_edge(connection)
    assert found is not None
    return found


def test_a_new_log_begins_with_its_identity(store: Store) -> None:
    """Event 1 gives the log 16 random bytes, after 32 zeros, and the store knows them."""
    begun = said(store, 1)
    assert len(bytes.fromhex(str(begun["log"]))) == 16
    assert begun["before"] == "00" * 32
    assert store.log_id == begun["log"]
    with Store.open(None) as other:
        assert other.log_id != store.log_id


def test_an_identity_stays_over_a_restart(store: Store, path: Path) -> None:
    """Opening a log again begins nothing."""
    store.record([face_seen(1)])
    store.close()
    with Store.open(path) as later:
        assert later.log_id == store.log_id
        assert later.record([left(1)])[0].sequence == 3


def test_rule_2_covers_the_words_by_their_digest(store: Store, path: Path) -> None:
    """The row keeps the SHA-256 of the words, and its digest is made of that."""
    (first, second) = store.record([named("anna", "a pram"), named(None, None)])
    with closing(sqlite3.connect(path)) as log:
        words = [row[0] for row in log.execute("SELECT words FROM event WHERE sequence > 1")]
    assert words == [sha256(b'["anna", "a pram"]').digest(), None]
    origin = chain.origin_digest("lane 2", "boot-1", "", "", "", 500000)
    for record, before, kept in (
        (first, said_digest(store, 1), words[0]),
        (second, first.digest, b""),
    ):
        wall = int(record.wall.timestamp() * 1000)
        line = f"{record.sequence}|{wall}|1|1000000||||||operator_granted|operator|idle|granted|"
        digest = sha256(bytes.fromhex(before) + origin + line.encode() + kept).hexdigest()
        assert record.digest == digest


def said_digest(store: Store, sequence: int) -> str:
    return next(store.records(after=sequence - 1)).digest


def test_a_name_is_erased_and_the_chain_holds(store: Store, path: Path) -> None:
    """Erased words are gone from the file, an event says so, and the log is whole."""
    store.record([named("wanda the cleaner", "lost her card"), face_seen(1)])
    erase(store, 2, who="anna", reason="asked for")
    record = next(store.records(after=1))
    assert (record.event.who, record.event.detail) == (None, None)
    newest = next(store.records(newest_first=True)).event
    assert (newest.kind, newest.who) == (EventKind.WORDS_ERASED, "anna")
    assert json.loads(newest.detail or "") == {"event": 2, "reason": "asked for"}
    verdict = judged(path)
    assert verdict.whole, verdict.findings
    store.close()
    files = b"".join(place.read_bytes() for place in path.parent.glob("audit.db*"))
    assert b"wanda" not in files


def test_words_erased_without_an_event_are_found(store: Store, path: Path) -> None:
    """SQL can't erase words, and with the triggers dropped it is found and named."""
    store.record([named("anna", "a pram"), face_seen(1)])
    with closing(sqlite3.connect(path)) as log, pytest.raises(sqlite3.IntegrityError):
        log.execute("UPDATE event SET who = NULL, detail = NULL WHERE sequence = 2")
    with tampering(path) as log:
        log.execute("UPDATE event SET who = NULL, detail = NULL WHERE sequence = 2")
    assert first_harm(path) == (Harm.CHANGED, 2)
    assert "erased without an event" in judged(path).findings[0].text


@pytest.mark.parametrize(
    "change", ["who = 'eve'", "detail = 'x', who = NULL", "words = zeroblob(32)", "visit = 3"]
)
def test_the_erasing_way_lets_nothing_else_through(store: Store, path: Path, change: str) -> None:
    """An erased event can't be given other words, and the guard lets no other column change."""
    store.record([named("anna", "a pram"), named("bo", None)])
    erase(store, 2, who="anna", reason="asked for")
    with closing(sqlite3.connect(path)) as log:
        for number in (2, 3):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                log.execute(f"UPDATE event SET {change} WHERE sequence = ?", (number,))


def test_what_the_log_is_verified_by_is_not_erased(store: Store) -> None:
    """Beginnings, prunings and erasures keep their words; an event without words has none."""
    store.record([named("anna", "a pram"), face_seen(1)])
    erase(store, 2, who=None, reason="asked for")
    for number, words in ((1, "verified by"), (4, "verified by"), (3, "no words"), (9, "isn't in")):
        with pytest.raises(StoreError, match=words):
            erase(store, number, who=None, reason="x")
    assert len(list(store.records())) == 4


def test_rule_1_after_a_beginning_is_damage(store: Store, path: Path) -> None:
    """An event whose digest is made by rule 1 is found and named, where rule 2 holds."""
    store.record([named("anna", "a pram")])
    with tampering(path) as log:
        names = ", ".join(chain.NUMBERS)
        (before,) = log.execute("SELECT digest FROM event WHERE sequence = 1").fetchone()
        numbers = log.execute(f"SELECT {names} FROM event WHERE sequence = 2").fetchone()
        digest = chain.row_digest(
            before,
            chain.origin_digest("lane 2", "boot-1", "", "", "", 500000),
            chain.numbers_text(numbers),
            "operator_granted|operator|idle|granted|",
            b'["anna", "a pram"]',
        )
        log.execute("UPDATE event SET digest = ?, words = NULL WHERE sequence = 2", (digest,))
    found = judged(path).findings[0]
    assert (found.harm, found.sequence) == (Harm.CHANGED, 2)
    assert "rule 1" in found.text


def test_a_restored_log_has_another_identity(busy: Store, path: Path, tmp_path: Path) -> None:
    """Numbers given again after a restore are of another log, which names the digest before."""
    made = back_up(busy, tmp_path / "backups", keep=1, now=busy._now()[0], monotonic=1.0)
    old = busy.log_id
    busy.record([face_seen(99)])
    busy.close()
    restore(path, made.path, now=busy._now()[0], replace=True)
    with Store.open(path) as store:
        head = next(store.records(newest_first=True))
        (record,) = store.begin_anew([Event(EventKind.RESTORED, 1.0)], "restored")
        assert store.log_id != old
        assert said(store, record.sequence - 1)["before"] == head.digest
        assert edge(store).begun == record.sequence - 1
    verdict = judged(path)
    assert verdict.whole, verdict.findings


def test_a_log_that_is_begun_anew_has_another_identity(store: Store, path: Path) -> None:
    """A damaged log that was set aside and the one in its place are two logs."""
    old = store.log_id
    store.close()
    path.write_bytes(b"no log at all" * 1000)
    with Store.open(path) as later:
        assert later.log_id != old


def test_the_edge_is_that_of_the_events(busy: Store) -> None:
    """After each transaction the kept edge is the tree of all events since the beginning."""
    busy.record([face_seen(20), left(20), face_seen(21)])
    digests = [bytes.fromhex(record.digest) for record in busy.records()]
    assert edge(busy) == Edge(bytes.fromhex(busy.log_id), 1).grown(digests)


def test_the_edge_goes_on_after_prunings(busy: Store, path: Path, clock: Clock) -> None:
    """Each pruning keeps the edge at its cut, so that the root is still that of all events."""
    digests = [bytes.fromhex(record.digest) for record in busy.records()]
    for last in (5, 6, 20):
        prune(busy.session, busy.append, lambda _, last=last: last, monotonic=9.0)  # type: ignore[misc]  # the default is the loop's value
        clock.forward(timedelta(minutes=1))
        digests += [bytes.fromhex(it.digest) for it in busy.records(after=len(digests))]
    assert edge(busy).root == Edge(bytes(16), 1).grown(digests).root
    assert judged(path).whole


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE edge SET hashes = zeroblob(length(hashes))",
        "UPDATE edge SET log = zeroblob(16)",
        "UPDATE edge SET begun = 2, size = size - 1",
        "DELETE FROM edge",
    ],
)
def test_a_changed_edge_is_refused_and_found(busy: Store, path: Path, change: str) -> None:
    """SQL can't change the edge, and with the triggers dropped it is found."""
    with closing(sqlite3.connect(path)) as log, pytest.raises(sqlite3.IntegrityError):
        log.execute(change)
    with tampering(path) as log:
        log.execute(change)
    assert not judged(path).whole


@pytest.mark.parametrize("column", ["log = zeroblob(16)", "begun = 2", "edge = zeroblob(64)"])
def test_a_changed_edge_of_a_pruning_is_found(busy: Store, path: Path, column: str) -> None:
    """What a pruning keeps of the tree is covered by its event."""
    prune(busy.session, busy.append, lambda connection: 5, monotonic=9.0)
    assert judged(path).whole
    with tampering(path) as log:
        log.execute(f"UPDATE checkpoint SET {column}")
    assert not judged(path).whole
