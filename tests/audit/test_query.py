"""Each filter finds what it says, whichever index it is answered from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate.audit import Query, Store, query
from gate.core.domain import EventKind, Reason, Record, State

QUERIES: dict[str, Query] = {
    "one event": Query(events=frozenset({EventKind.GRANTED})),
    "two events": Query(events=frozenset({EventKind.GRANTED, EventKind.VISIT_LEFT})),
    "reason": Query(reasons=frozenset({Reason.NO_SMILE})),
    "state": Query(states=frozenset({State.GRANTED})),
    "nothing": Query(reasons=frozenset({Reason.FAULT_RELAY})),
    "visit": Query(visit=3),
    "score": Query(score_from=0.4, score_to=0.6),
    "score and event": Query(score_to=0.5, events=frozenset({EventKind.GRANTED})),
    "who": Query(who="anna"),
    "after": Query(after=100, before=160),
}


def matches(record: Record, wanted: Query) -> bool:
    """The meaning of a query, written down a second time, plainly."""
    event = record.event
    score = event.score
    return all(
        (
            wanted.since is None or record.wall >= wanted.since,
            wanted.until is None or record.wall < wanted.until,
            not wanted.events or event.kind in wanted.events,
            not wanted.reasons or event.reason in wanted.reasons,
            not wanted.states or bool(wanted.states & {event.before, event.after}),
            wanted.visit is None or event.visit == wanted.visit,
            wanted.who is None or event.who == wanted.who,
            wanted.score_from is None or (score is not None and score >= wanted.score_from),
            wanted.score_to is None or (score is not None and score <= wanted.score_to),
            wanted.after is None or record.sequence > wanted.after,
            wanted.before is None or record.sequence < wanted.before,
        )
    )


@pytest.mark.parametrize("few", [20_000, 50, 0])
@pytest.mark.parametrize("name", QUERIES)
def test_a_filter_finds_all_and_only_what_matches(
    random_log: Store, name: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever way a query takes, it gives what reading everything would give."""
    monkeypatch.setattr(query, "_FEW", few)
    wanted = QUERIES[name]
    expected = [record for record in random_log.records() if matches(record, wanted)]
    assert list(random_log.search(wanted)) == expected
    assert list(random_log.search(wanted, 7)) == expected[:7]
    assert list(random_log.search(wanted, 7, newest_first=True)) == expected[::-1][:7]


@pytest.mark.parametrize("few", [20_000, 0])
def test_a_time_finds_all_and_only_its_events(
    random_log: Store, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any since and until, also where the clock went back, find what they say."""
    monkeypatch.setattr(query, "_FEW", few)
    everything = list(random_log.records())
    for hours in range(0, 48, 3):
        since = everything[-1].wall - timedelta(hours=hours)
        for wanted in (
            Query(since=since),
            Query(until=since),
            Query(since=since, until=since + timedelta(hours=2)),
        ):
            expected = [record for record in everything if matches(record, wanted)]
            assert list(random_log.search(wanted)) == expected


def test_pages_join_without_a_seam(random_log: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages give the same as one large page, both ways round."""
    everything = list(random_log.records())
    monkeypatch.setattr("gate.audit.reader.PAGE", 7)
    assert list(random_log.records()) == everything
    assert list(random_log.records(newest_first=True)) == everything[::-1]
    assert list(random_log.records(limit=20)) == everything[:20]
