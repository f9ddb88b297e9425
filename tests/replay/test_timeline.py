from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gate.core.domain import Event, EventKind, Observation, Position, Reason, State
from gate.core.rules import Rules
from gate.errors import GateError
from gate.replay.timeline import COLOURS, LINE, drawn, timeline
from gate.replay.trace import Trace, TraceEvent, TraceFrame
from tests.fakes import seen


def trace() -> Trace:
    """Ten seconds: nobody, a guest who smiles from 4 s on, a grant at 6 s until 8 s."""
    told = Trace(Rules(0.5, frames=4), fps=10.0)
    for number in range(100):
        at = 1000 + number / 10
        state = State.IDLE if number < 40 else State.SMILING if number < 60 else State.GRANTED
        nobody = Observation(number, at)
        shown = nobody if number < 40 else replace(seen(0.8), sequence=number, monotonic=at)
        told.moments.append(TraceFrame(shown, state, min(max(number - 40, 0), 4), 0.0))
    told.moves += [(1006.0, Position.GRANTED), (1008.0, Position.SAFE)]
    granted = Event(EventKind.GRANTED, 1006.0, reason=Reason.SMILE_HELD)
    told.happenings.append(TraceEvent(60, granted))
    return told


def test_the_timeline_shows_states_scores_and_the_relay() -> None:
    """Colours stand where the lane was so; the score has a gap where nobody was; the line moves."""
    picture = drawn(trace())
    seconds = (1190 - 120) / 10.0

    def column(at: float) -> np.ndarray:
        return picture[:, round(120 + at * seconds)]

    assert (column(5)[300] == COLOURS[State.SMILING]).all()
    assert (column(9)[300] == COLOURS[State.GRANTED]).all()
    assert (column(2)[300] == 255).all()
    curve = [
        (np.abs(column(at)[64:330].astype(int) - LINE).max(axis=1) < 40).any() for at in (2, 5)
    ]
    assert curve == [False, True]
    relay = [
        np.flatnonzero(np.abs(column(at)[562:609].astype(int) - LINE).max(axis=1) < 40).mean()
        for at in (3, 7, 9)
    ]
    assert relay[1] < relay[0]
    assert relay[0] == relay[2]


def test_a_timeline_of_nothing_is_a_picture(tmp_path: Path) -> None:
    """A clip without frames, and a name that no picture can have, end no replay badly."""
    empty = Trace(Rules(0.5), fps=15.0)
    timeline(empty, tmp_path / "empty.png", title="Köln")
    assert (tmp_path / "empty.png").stat().st_size > 1000
    with pytest.raises(GateError, match="cannot be written"):
        timeline(empty, tmp_path / "empty.unknown")
