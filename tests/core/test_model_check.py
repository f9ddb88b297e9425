"""The lane as a small state space, explored completely: every order of everything that can happen.

What is explored is the shipped code: `step`, `due`, `replaced` and `settled`, the controller that
carries out, and `LaneClosures`. Abstract are only the numbers: time is due or not due, and counters
are renamed, so that two worlds that can do the same from here on are one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Position, Reason, Signal, State, Trigger
from gate.core.lane_closures import LaneClosures, OperatorClose
from gate.core.machine import deadline
from gate.core.recorder import Batch, Outcome
from gate.core.rules import Rules
from gate.core.transitions import VISITING, Lane

RULES = Rules(threshold=0.5, frames=2, missed_frames=1)
PARTS = (Reason.FAULT_CAMERA, Reason.FAULT_STORE, Reason.FAULT_RELAY)
OPENINGS = (EventKind.GRANTED, EventKind.OPERATOR_GRANTED)
CLOSED = Lane()
LATE = 2
"""Grants that the log may owe an answer: one that is pending, and ones that lapsed before."""


class SlowLog:
    """A log that answers when the world says so; only the grants are of interest here."""

    def __init__(self) -> None:
        self.owed: tuple[Batch, ...] = ()

    def submit(self, batch: Batch, now: float) -> Outcome | None:
        if batch.grant is None:
            return Outcome(batch)
        self.owed = (*self.owed, batch)
        return None


class Turnstile:
    """Notes by what right it opened."""

    def __init__(self) -> None:
        self.position = Position.SAFE
        self.opened = ""

    def move(self, position: Position) -> None:
        assert position in (self.position, Position.SAFE, Position.EMERGENCY), "`grant` opens"
        self.position = position

    def grant(self, *, way_out: bool = False) -> None:
        self.position = Position.GRANTED
        self.opened = "way out" if way_out else "grant"

    def clear(self) -> None:
        """It has no emergency of its own."""


@dataclass(frozen=True)
class World:
    """All that is remembered between two happenings."""

    lane: Lane = CLOSED
    owed: tuple[int, ...] = ()
    """Numbers of the grants whose commit is still to be told."""
    position: Position = Position.SAFE
    hours: bool = False
    key: bool = True
    operator: bool = True


@dataclass(frozen=True)
class Move:
    """A happening, and what it came to."""

    what: str
    before: World
    after: World
    opened: str
    committed: int | None


HAPPENINGS = (
    *(Signal(trigger, guest=1) for trigger in (Trigger.NO_FACE, Trigger.FACE, Trigger.QUALIFYING)),
    Signal(Trigger.QUALIFYING, guest=2),
    *(
        Signal(trigger)
        for trigger in (
            Trigger.PASSED,
            Trigger.TAMPER,  # the door and a call for help are no other
            Trigger.EMERGENCY_CLEARED,
            Trigger.STOPPED,
        )
    ),
    Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT),
    Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT),
    Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR),
    *(Signal(trigger, part) for trigger in (Trigger.FAULT, Trigger.RECOVERED) for part in PARTS),
)


class Run:
    """The shipped parts, put into a world, for one happening."""

    def __init__(self, world: World) -> None:
        self.log = SlowLog()
        self.log.owed = tuple(
            Batch((Event(EventKind.GRANTED, 0.0, visit=1),), grant) for grant in world.owed
        )
        self.relay = Turnstile()
        self.relay.position = world.position
        self.control = Controller(RULES, self.log, self.relay, lane=world.lane)
        self.posted: list[Signal] = []
        self.closures = LaneClosures(self.posted.append)
        self.closures.by_hours(world.hours)
        self.closures.by_key(world.key)
        self.closures.by_operator(None if world.operator else OperatorClose("kim"))
        self.posted.clear()
        self.world = world

    def now(self, *, due: bool) -> float:
        """A time at which what is awaited is due, or one at which it is not."""
        until = deadline(RULES, self.control.lane)
        return 0.0 if until is None else until if due else until - 0.001

    def take(self, signal: Signal, now: float) -> None:
        if self.closures.still(signal):
            self.control.process(signal, now)

    def result(self) -> World:
        """The world now, with its numbers renamed."""
        lane = self.control.lane
        owed = tuple(batch.grant for batch in self.log.owed if batch.grant is not None)
        names = {grant: place for place, grant in enumerate(owed, 1)}
        return replace(
            self.world,
            lane=abstract(lane, None if lane.pending is None else names[lane.pending], len(owed)),
            owed=tuple(names.values()),
            position=self.relay.position,
        )


def abstract(lane: Lane, pending: int | None, owed: int) -> Lane:
    """The lane without what only counts, and without what the state does not look at any more."""
    visiting, seen = lane.state in VISITING, lane.best is not None or bool(lane.tally)
    return replace(
        lane,
        guest=lane.guest if visiting or lane.state is State.REARMING else None,
        count=lane.count if visiting else 0,
        missed=lane.missed if visiting else 0,
        since=0.0,
        faults=tuple(sorted((part, 0.0) for part, _ in lane.faults)),
        visit=None if lane.visit is None else 1,
        next_visit=2,
        face_at=0.0,
        best=1.0 if seen and (visiting or lane.state is State.PENDING) else None,
        tally=(),
        passed=False,  # it only says how long the pause after a hold is
        pending=pending,
        pending_since=0.0,
        grants=owed,
    )


def moves(world: World) -> Iterator[Move]:
    """Everything that can happen next."""
    for signal in HAPPENINGS:
        if signal.trigger is Trigger.OPERATOR_GRANT and len(world.owed) >= LATE:
            continue
        if signal.trigger is Trigger.QUALIFYING and len(world.owed) >= LATE:
            continue
        run = Run(world)
        run.take(signal, run.now(due=False))
        yield moved(f"{signal.trigger} {signal.reason or ''}", run)
    run = Run(world)
    run.control.tick(run.now(due=True))
    yield moved("time", run)
    for wish in ("hours", "key", "operator"):
        yield turned(world, wish)
    if world.owed:
        yield from told(world)


def told(world: World) -> Iterator[Move]:
    """The log answers to the oldest batch: in time, too late, or with a refusal."""
    for error, due in ((None, False), (None, True), ("full", False)):
        run = Run(world)
        batch, *rest = run.log.owed
        run.log.owed = tuple(rest)
        now = run.now(due=due)
        outcome = Outcome(batch, error=error, number=7)
        run.control.settle(outcome, now)
        late = due and world.lane.pending is not None
        committed = batch.grant if error is None and not late else None
        yield moved(f"log {error} {'late' if due else 'in time'}", run, committed)


def turned(world: World, wish: str) -> Move:
    """One of the three wishes changes its mind."""
    is_open = not getattr(world, wish)
    run = Run(world)
    now = run.now(due=False)
    if wish == "hours":
        run.closures.by_hours(is_open)
    elif wish == "key":
        run.closures.by_key(is_open)
    else:
        run.closures.by_operator(None if is_open else OperatorClose("kim"))
        if is_open and not run.closures.closed_by:
            run.posted.append(Signal(Trigger.OPENED, Reason.OPERATOR))
        elif not is_open:
            run.posted.append(Signal(Trigger.CLOSED, Reason.OPERATOR))
    for signal in run.posted:
        run.take(signal, now)
    changed: dict[str, Any] = {wish: is_open}
    run.world = replace(world, **changed)
    return moved(f"{wish} {is_open}", run)


def moved(what: str, run: Run, committed: int | None = None) -> Move:
    before = run.world
    return Move(what, before, run.result(), run.relay.opened, committed)


def explored() -> list[Move]:
    """Every move from every world that can be reached, until no new one appears."""
    first = World()
    seen, waiting, found = {first}, [first], []
    while waiting:
        for move in moves(waiting.pop()):
            found.append(move)
            if move.after not in seen:
                seen.add(move.after)
                waiting.append(move.after)
    return found


ALL: list[Move] = []


def everything() -> Sequence[Move]:
    """The state space, explored once for all tests of this file."""
    if not ALL:
        logging.disable()  # each refusal is a line, tens of thousands of them
        try:
            ALL.extend(explored())
        finally:
            logging.disable(logging.NOTSET)
    return ALL


def test_nobody_gets_in_without_a_committed_grant() -> None:
    """The gate opens for a grant only in the move in which that pending grant is committed."""
    opened = [move for move in everything() if move.opened == "grant"]
    assert opened
    for move in opened:
        assert move.committed is not None, move
        assert move.before.lane.pending == move.committed, move


def test_only_a_press_opens_without_the_log() -> None:
    """Whatever else opens the gate waits for its record."""
    for move in everything():
        if move.opened == "way out":
            assert move.what.startswith(Trigger.REQUEST_TO_EXIT), move


def test_a_grant_that_has_lapsed_never_opens() -> None:
    """The commit of a grant that is not pending leaves the position as it was."""
    late = [
        move
        for move in everything()
        if move.what.startswith("log None") and move.before.lane.pending != move.before.owed[0]
    ]
    assert late
    for move in late:
        assert not move.opened, move


def test_a_person_inside_gets_out_of_every_state() -> None:
    """A press opens in the same turn; in an emergency its position is there already."""
    for move in everything():
        if move.what.startswith(Trigger.REQUEST_TO_EXIT):
            if move.before.lane.state is State.EMERGENCY:
                assert move.after.position is Position.EMERGENCY, move
            else:
                assert move.opened == "way out", move
        if move.what.startswith("emergency emergency"):
            assert move.after.position is Position.EMERGENCY, move


def test_an_emergency_is_left_only_by_its_end() -> None:
    """No fault, no stop, no hours and no time end it."""
    for move in everything():
        if move.before.lane.state is State.EMERGENCY:
            cleared = move.what.startswith(Trigger.EMERGENCY_CLEARED)
            assert (move.after.lane.state is State.EMERGENCY) is not cleared, move


def test_only_time_a_passage_the_relay_an_emergency_or_a_stop_end_a_hold() -> None:
    """No other fault and nobody's close shuts the gate on a person."""
    enders = ("time", "passed", "fault fault_relay", "emergency emergency", "stopped", "log")
    for move in everything():
        if State.GRANTED is move.before.lane.state is not move.after.lane.state:
            assert move.what.startswith(enders), move
            if move.what.startswith("log"):
                assert move.what.endswith("late"), move  # the hold was over by then


def test_the_relay_is_where_the_state_says() -> None:
    """Open in a hold, its emergency position in an emergency, else shut; shut while pending."""
    for move in everything():
        after = move.after
        wanted = {State.GRANTED: Position.GRANTED, State.EMERGENCY: Position.EMERGENCY}
        assert after.position is wanted.get(after.lane.state, Position.SAFE), move
        if after.lane.state is State.PENDING:
            assert after.lane.pending in after.owed, move


def test_every_state_was_reached() -> None:
    """The exploration is no empty promise."""
    assert {move.after.lane.state for move in everything()} == set(State)
