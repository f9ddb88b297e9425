"""Questions of readers that make no sense: a line each, never an exception of another kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import product
from typing import Any

import pytest

from gate.audit import Store
from gate.audit.answers import answer
from gate.core.domain import Event, EventKind
from gate.errors import ControlError
from gate.interfaces.control.protocol import QUESTIONS, Command

ODD: tuple[Any, ...] = (
    *(None, True, -1, 2**63, 10**400, 0.5, float("nan")),
    *("x", "\ud800", "\0", [], [["x"]], [{}], {}),
)
TIMES = (
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00-14:00",
    "9999-12-31T23:59:59+14:00",
    "9999-12-31T23:59:59-14:00",
    "1969-12-31T00:00:00+23:59",
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with closing(Store.open(None)) as it:
        it.record([Event(EventKind.STARTED, 0.0), Event(EventKind.FACE_SEEN, 1.0, visit=1)])
        yield it


@pytest.mark.parametrize("command", [Command.SEARCH, Command.STATS, Command.EXPORT])
def test_whatever_a_reader_asks_is_answered_or_refused_in_a_line(
    store: Store, command: Command
) -> None:
    """Each field with each odd value, and every pair of times, up to the ends of the calendar."""
    asked = [{name: value} for name in QUESTIONS[command] for value in (*ODD, *TIMES)]
    asked += [{"since": since, "until": until} for since, until in product(TIMES, TIMES)]
    for question in asked:
        with suppress(ControlError):
            answer(store.session, {"ask": command} | question)
