"""Whoever changes the log, with the triggers dropped, is found, and what was done is named."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gate.audit import Store, schema
from gate.audit.session import Session
from gate.audit.tree import Edge
from gate.audit.verify.findings import Harm, Head
from gate.audit.verify.log import verify
from gate.core.domain import Event, EventKind
from tests.logs import face_seen, first_harm, granted, judged, tampering

COLUMNS = [column.name for column in schema.event.c if column.name != "sequence"]


def test_an_untouched_log_is_whole(busy: Store, path: Path) -> None:
    """A log that nobody touched is whole, and its head is its last event."""
    verdict = judged(path)
    assert verdict.whole
    assert (verdict.events, verdict.first, verdict.head.sequence) == (21, 1, 21)
    assert verdict.head.digest.hex() == next(busy.records(newest_first=True)).digest


def test_a_new_log_is_whole(store: Store, path: Path) -> None:
    """A log without events is whole."""
    assert judged(path).whole


def test_a_log_in_memory_can_be_verified() -> None:
    """A throw-away log is verified on its own connection."""
    with Store.open(None) as store:
        store.record([face_seen(1)])
        assert verify(store.session).whole


@pytest.mark.parametrize(
    "change",
    [
        "score = score + 1",
        "wall = wall + 1",
        "trusted = 0",
        "monotonic = 0",
        "visit = NULL",
        "frames = 4",
        "frame = NULL",
        "waited = 1",
        "who = 'anna'",
        "detail = ''",
        "what = 1",
        "digest = x'00'",
        "origin = 77",
    ],
)
def test_a_changed_column_is_found(busy: Store, path: Path, change: str) -> None:
    """No column of an event can be changed unnoticed."""
    with tampering(path) as log:
        log.execute("PRAGMA foreign_keys=OFF")
        log.execute(f"UPDATE event SET {change} WHERE sequence = 9")
    assert first_harm(path) == (Harm.CHANGED, 9)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE what SET reason = 'operator' WHERE kind = 'granted'",
        "UPDATE what SET kind = 'visit_left', after = 'idle' WHERE kind = 'granted'",
        "DELETE FROM what WHERE kind = 'granted'",
    ],
)
def test_a_changed_meaning_is_found(busy: Store, path: Path, change: str) -> None:
    """What many events share can't be changed unnoticed either."""
    with tampering(path) as log:
        log.execute(change)
    assert first_harm(path) == (Harm.CHANGED, 5)


def test_a_changed_origin_is_found(busy: Store, path: Path) -> None:
    """Nobody can claim afterwards that another threshold held."""
    with tampering(path) as log:
        log.execute("UPDATE origin SET threshold = 900000")
    assert first_harm(path) == (Harm.CHANGED, 1)


def test_the_last_event_changed_is_found(busy: Store, path: Path) -> None:
    """The newest event, which none follows, is covered too."""
    with tampering(path) as log:
        log.execute("UPDATE event SET score = 1 WHERE sequence = 21")
    assert first_harm(path) == (Harm.CHANGED, 21)


def test_a_missing_event_is_found(busy: Store, path: Path) -> None:
    """A deleted event leaves a gap that is named."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence BETWEEN 8 AND 9")
    assert first_harm(path) == (Harm.MISSING, 8)
    assert "8 to 9" in judged(path).findings[0].text


def test_a_gap_hidden_by_renumbering_is_found(busy: Store, path: Path) -> None:
    """Renumbering the events after a deleted one doesn't hide it."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence IN (8, 9, 10)")
        for sequence in range(11, 22):
            log.execute(
                "UPDATE event SET sequence = ? WHERE sequence = ?", (sequence - 3, sequence)
            )
    assert first_harm(path) == (Harm.MISSING, 8)
    assert judged(path).findings[0].text.startswith("3 of the events")


def test_missing_first_events_are_found(busy: Store, path: Path) -> None:
    """The oldest events can't go without a recorded pruning."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence < 5")
    assert first_harm(path) == (Harm.MISSING, 1)


def test_a_false_checkpoint_is_found(busy: Store, path: Path) -> None:
    """A checkpoint that no `pruned` event speaks of explains nothing."""
    with tampering(path) as log:
        (digest,) = log.execute("SELECT digest FROM event WHERE sequence = 4").fetchone()
        log.execute("DELETE FROM event WHERE sequence < 5")
        log.execute(
            "INSERT INTO checkpoint (sequence, first, last, visit, digest) VALUES (2, 1, 4, 1, ?)",
            (digest,),
        )
    assert first_harm(path) == (Harm.CHANGED, 2)


@pytest.mark.parametrize("pair", [(8, 9), (8, 14), (1, 2), (20, 21)])
def test_swapped_events_are_found(busy: Store, path: Path, pair: tuple[int, int]) -> None:
    """Two events that changed places are named as reordered."""
    with tampering(path) as log:
        for old, new in ((pair[0], -1), (pair[1], pair[0]), (-1, pair[1])):
            log.execute("UPDATE event SET sequence = ? WHERE sequence = ?", (new, old))
    assert first_harm(path) == (Harm.REORDERED, pair[0])


def test_an_inserted_event_is_found(busy: Store, path: Path) -> None:
    """An event pushed in between, the rest renumbered, is named as inserted."""
    columns = ", ".join(COLUMNS)
    with tampering(path) as log:
        for sequence in range(21, 8, -1):
            log.execute(
                "UPDATE event SET sequence = ? WHERE sequence = ?", (sequence + 1, sequence)
            )
        log.execute(
            f"INSERT INTO event (sequence, {columns})"
            f" SELECT 9, {columns.replace('visit', '99')} FROM event WHERE sequence = 5"
        )
    assert first_harm(path) == (Harm.INSERTED, 9)


def test_an_event_before_the_first_is_found(busy: Store, path: Path) -> None:
    """A row numbered below one was never written by the gate."""
    columns = ", ".join(COLUMNS)
    with tampering(path) as log:
        log.execute(f"INSERT INTO event SELECT -5, {columns} FROM event WHERE sequence = 5")
    assert first_harm(path) == (Harm.INSERTED, -5)


def test_a_cut_tail_is_found_by_the_counts(busy: Store, path: Path) -> None:
    """Whoever cuts off the newest events and forgets the counts is found without any head."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence > 15")
    assert first_harm(path) == (Harm.TRUNCATED, 16)


def cut_carefully(path: Path, last: int) -> None:
    """Cut off the newest events, and make the counts agree."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence > ?", (last,))
        log.execute("DELETE FROM tally")
        log.execute("DELETE FROM quarter")
        log.execute(
            f"INSERT INTO tally SELECT wall / {schema.QUARTER_MS}, what, count(*) FROM event"
            " GROUP BY 1, 2"
        )
        log.execute(
            f"INSERT INTO quarter SELECT wall / {schema.QUARTER_MS}, min(sequence), max(sequence)"
            " FROM event GROUP BY 1"
        )
        digests = [digest for (digest,) in log.execute("SELECT digest FROM event")]
        (own,) = log.execute("SELECT log FROM edge").fetchone()
        edge = Edge(own, 1).grown(digests)
        log.execute("UPDATE edge SET size = ?, hashes = ?", (edge.size, edge.packed()))


def test_a_carefully_cut_tail_needs_a_head(busy: Store, path: Path) -> None:
    """A tail cut off with the counts made to agree is found by a head that was noted elsewhere."""
    noted = next(busy.records(newest_first=True))
    cut_carefully(path, 15)
    assert judged(path).whole
    assert first_harm(path, Head(21, noted.digest)) == (Harm.TRUNCATED, 16)


def test_a_log_written_anew_needs_a_head(busy: Store, path: Path) -> None:
    """Events written anew with a proper chain are found by a head that was noted elsewhere."""
    noted = Head.parse(f"21:{next(busy.records(newest_first=True)).digest[:16]}")
    assert judged(path, noted).whole
    busy.close()
    cut_carefully(path, 20)
    with Store.open(path, mends=False) as store:
        store.record([granted(10)])
    assert judged(path).whole
    assert first_harm(path, noted) == (Harm.CHANGED, 21)


def test_a_missing_trigger_is_found(busy: Store, path: Path) -> None:
    """A log without one of its guards isn't whole, nor one with a strange trigger."""
    with closing(sqlite3.connect(path)) as log:
        log.execute("DROP TRIGGER event_unchanged")
        log.execute("CREATE TRIGGER sly AFTER INSERT ON event BEGIN SELECT 1; END")
    harms = [finding.harm for finding in judged(path).findings]
    assert harms == [Harm.UNGUARDED, Harm.UNGUARDED]


def test_false_statistics_are_found(busy: Store, path: Path) -> None:
    """Counts can't be changed while the events stay."""
    with tampering(path) as log:
        log.execute("UPDATE tally SET count = count + 1")
    assert first_harm(path) == (Harm.MISCOUNTED, None)


@pytest.mark.slow
def test_each_process_finds_what_is_in_its_part(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Divided among processes, the first break is still the one that is named."""
    monkeypatch.setattr("gate.audit.verify.log._WORTH_SHARING", 5)
    assert judged(path, workers=2).whole
    with tampering(path) as log:
        log.execute("UPDATE event SET score = 1 WHERE sequence IN (7, 15)")
    found = judged(path, workers=2).findings[0]
    assert (found.harm, found.sequence) == (Harm.CHANGED, 7)


@pytest.mark.slow
def test_who_waits_hears_how_far_the_chain_was_followed(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Share by share among processes, chunk by chunk in one; up to the end."""
    monkeypatch.setattr("gate.audit.verify.log._WORTH_SHARING", 5)
    monkeypatch.setattr("gate.audit.verify.log._SHARE", 5)
    monkeypatch.setattr("gate.audit.verify.log.CHUNK", 7)
    for workers, steps in ((2, [0, 5, 10, 15, 21]), (1, [0, 7, 14, 21])):
        told: list[tuple[str, int, int | None]] = []
        with closing(Session(path, read_only=True)) as session:
            watch = lambda *words, told=told: told.append(words)  # noqa: E731 (one for each round)
            assert verify(session, workers=workers, watch=watch).whole
        *chain, last = told
        assert chain == [("following the chain", done, 21) for done in steps]
        assert last == ("comparing times and counts", 0, None)


@pytest.mark.parametrize("chunk", [1, 4, 21])
def test_chunks_leave_no_seam(
    busy: Store, path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one read ends and the next begins, nothing is overlooked."""
    monkeypatch.setattr("gate.audit.verify.log.CHUNK", chunk)
    assert judged(path).whole
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence = 8")
    assert first_harm(path) == (Harm.MISSING, 8)


def test_words_in_any_script_hold(store: Store, path: Path) -> None:
    """Words with quotes, bars, line ends, emoji and broken Unicode are covered as well."""
    for words in ("a|b", '"', "\\", "\n", "Žofie 🙂", "\udc80", "a\0b", ""):
        store.record([Event(EventKind.OPERATOR_GRANTED, 1.0, who=words, detail=words)])
    assert judged(path).whole
    with tampering(path) as log:
        log.execute("UPDATE event SET detail = CAST(x'ff' AS TEXT) WHERE sequence = 3")
    assert first_harm(path) == (Harm.CHANGED, 3)


@pytest.mark.parametrize("text", ["", "12", "12:abc", "x:0123456789abcdef", "12:zzzzzzzzzzzzzzzz"])
def test_what_is_no_head_is_refused(text: str) -> None:
    """A head that was copied wrongly isn't taken for one."""
    with pytest.raises(ValueError, match=r".*"):
        Head.parse(text)
