"""From a signal to the relay and the log, in the order that the promises ask for.

The machine decides; the controller carries out. The relay moves first and the log hears of it
afterwards: nothing that the log does keeps anybody in. Only a guest's grant, and an operator's,
waits for its commit (`State.PENDING`): nobody is let in who is not on record.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gate.core.describe import describe
from gate.core.domain import Event, Observation, Position, Reason, Signal, State, Trigger
from gate.core.machine import Decision, due, missed, position_in, replaced, settled, step
from gate.core.recorder import Batch, Outcome, Writer
from gate.core.rules import Rules, interpret
from gate.core.transitions import Lane
from gate.errors import IllegalTransition, NoGuardError, RelayError

log = logging.getLogger(__name__)

FAILURES = (Trigger.FAULT, Trigger.COMMIT_MISSED)
GRANTS_KEPT = 100
"""Grants of which it is known whether they opened: whoever asked for one asks soon."""
RETRY_S = 1.0
"""Time until a log that can't be written, or a line that can't be driven, is tried again, s."""


class Actuator(Protocol):
    """The relay that opens the gate."""

    def move(self, position: Position) -> None:
        """Go to a position, unless it is there; raises `RelayError`."""

    def grant(self, *, way_out: bool = False) -> None:
        """Open, also where it is open: hold and pulse begin anew. Raises `RelayError`.

        ``way_out`` is for a person inside, whom nothing but the line itself may keep in.
        """

    def clear(self) -> None:
        """Let the relay move again after its own emergency."""


class Controller:
    """Owns the lane's memory. Only the loop's thread may call it.

    While the log can't be written nobody is let in, unless ``grants_unwritten``: then grants go to
    the journal, are kept in memory, and are written as soon as that works again.
    """

    def __init__(
        self,
        rules: Rules,
        writer: Writer,
        relay: Actuator,
        *,
        lane: Lane | None = None,
        grants_unwritten: bool = False,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.rules = rules
        self.lane = lane or Lane()
        self._writer = writer
        self._relay = relay
        self.grants_unwritten = grants_unwritten
        self._on_event = on_event
        self._waiting: tuple[int, float | None] = (0, None)
        """What the log refused and still has to take: how many, and since when."""
        self._submitted: list[Batch] = []
        """Batches whose outcome is not known yet."""
        self._opened_unwritten: set[int] = set()
        """Grants that opened the gate before their commit, see ``grants_unwritten``."""
        self._opened: deque[int] = deque(maxlen=GRANTS_KEPT)
        """Numbers of the newest grants that opened the gate."""
        self._retry_at = -math.inf
        self.emergency_ended = False
        """Whether an emergency was ended since the start: what the log says of one is older."""
        self.details: dict[Reason, str] = {}
        """The latest description of each part at fault."""

    def record(self, event: Event) -> None:
        """Record something that does not concern the lane's state, such as the start."""
        self._submit((event,), event.monotonic)

    def observe(self, observation: Observation, now: float) -> None:
        """Process the observation of one frame."""
        self.tick(now)
        signal = interpret(self.rules, observation)
        gone = replaced(self.lane, signal)
        if gone is not None:
            self.process(gone, now)
        self.process(signal, now)

    def process(self, signal: Signal, now: float) -> bool:
        """Process a signal; False if the lane cannot take it in its present state."""
        if signal.trigger in FAILURES and signal.reason is not None:
            self.details[signal.reason] = signal.detail or ""
        if self._is_news(signal):
            try:
                decision = step(self.rules, self.lane, signal, now)
            except IllegalTransition as error:
                log.warning("refused: %s", error)
                return False
            if signal.trigger is Trigger.EMERGENCY_CLEARED:
                self._relay.clear()
                self.emergency_ended = True
            self._carry_out(decision, now)
        return True

    def settle(self, outcome: Outcome, now: float) -> None:
        """Take in what came of a batch: a pending grant opens now, or never."""
        if outcome.batch in self._submitted:
            self._submitted.remove(outcome.batch)
        self._waiting = outcome.waiting, outcome.oldest
        for event in outcome.written:
            self._on_event(event)
        if outcome.error is not None:
            self._retry_at = now + RETRY_S
            self._refused(outcome.batch, outcome.error, now)
            return
        self._end_overdue(now)
        grant = outcome.batch.grant
        if grant in self._opened_unwritten:
            self._opened_unwritten.discard(grant)
        elif grant is not None:
            visit = outcome.batch.events[-1].visit
            self.process(settled(self.lane, grant, outcome.number, visit), now)
        if now >= self._retry_at or not outcome.batch.events:  # not what came just after a refusal
            self.process(Signal(Trigger.RECOVERED, reason=Reason.FAULT_STORE), now)

    def stop(
        self, now: float, told: Callable[[], None] = lambda: None, *, detail: str | None = None
    ) -> None:
        """End the lane: the relay first, and `stopped` as the last event, with its ``detail``.

        ``told`` waits, as long as it likes, for the outcomes of what was submitted before.
        """
        decision = step(self.rules, self.lane, Signal(Trigger.STOPPED, detail=detail), now)
        self.lane = decision.lane
        self._drive(decision)
        told()
        self._submit(decision.events, now)

    def is_at_fault(self, fault: Reason) -> bool:
        """Whether the part is at fault now."""
        return any(known is fault for known, _ in self.lane.faults)

    def opened_by(self, grant: int) -> bool | None:
        """Whether this grant, a number of `Lane.grants`, opened the gate; None while it pends."""
        return None if self.lane.pending == grant else grant in self._opened

    @property
    def unwritten(self) -> int:
        """Number of events that wait until the log can be written again."""
        return self._waiting[0] + sum(len(batch.events) for batch in self._stuck)

    @property
    def oldest_unwritten(self) -> float | None:
        """Monotonic time of the first of them, s; None where none waits."""
        times = [event.monotonic for batch in self._stuck for event in batch.events]
        return min(
            [*times, *([] if self._waiting[1] is None else [self._waiting[1]])], default=None
        )

    @property
    def _stuck(self) -> list[Batch]:
        """What the log has not answered to, once it is too slow; else it is a matter of ms."""
        opened = any(batch.grant in self._opened_unwritten for batch in self._submitted)
        return self._submitted if opened or self.is_at_fault(Reason.FAULT_STORE) else []

    def tick(self, now: float) -> None:
        """Apply the passing of time: holds that end, guests that left, a log to be tried again."""
        self._end_overdue(now)
        while (signal := due(self.rules, self.lane, now)) is not None:
            self.process(signal, now)
        broken = self.is_at_fault(Reason.FAULT_STORE) or self.is_at_fault(Reason.FAULT_RELAY)
        if now >= self._retry_at and (self._waiting[0] or broken):
            self._retry_at = now + RETRY_S
            self._catch_up(now)

    def _end_overdue(self, now: float) -> None:
        """Where grants go unwritten, a log that is too slow opens the gate nonetheless."""
        signal, grant = due(self.rules, self.lane, now), self.lane.pending
        if signal is None or signal.trigger is not Trigger.COMMIT_MISSED:
            return
        if grant is None or not self.grants_unwritten:
            self.process(signal, now)
            return
        for batch in self._submitted:
            for event in batch.events if batch.grant == grant else ():
                log.critical("not in the log yet: %s", describe(event))
        self._open_unwritten(grant, now)

    def _is_news(self, signal: Signal) -> bool:
        """Whether the signal changes anything; a known fault, or opening an open lane, does not."""
        match signal.trigger:
            case Trigger.OPENED | Trigger.CLOSED:
                return self.lane.open is not (signal.trigger is Trigger.OPENED)
            case Trigger.FAULT | Trigger.RECOVERED:
                known = signal.reason is not None and self.is_at_fault(signal.reason)
                return known is not (signal.trigger is Trigger.FAULT)
            case Trigger.EMERGENCY_CLEARED:
                return self.lane.state is State.EMERGENCY
            case _:
                return True

    def _carry_out(self, decision: Decision, now: float) -> None:
        held, grant = self.lane.state is State.GRANTED, self.lane.pending
        self.lane = decision.lane
        try:
            moved = self._drive(decision)
        except NoGuardError as error:
            log.error("%s", error)
            moved = held  # a hold that runs goes on, with the limit that it had
        if decision.opens and not decision.way_out and grant is not None and moved:
            self._opened.append(grant)
        self._submit(decision.events, now, decision.grant)
        if not moved:
            self._fault(Reason.FAULT_RELAY, "the line cannot be driven", now)

    def _drive(self, decision: Decision) -> bool:
        """Whether the line is where the decision wants it. Raises `NoGuardError`."""
        if decision.opens:
            return self._try(lambda: self._relay.grant(way_out=decision.way_out))
        if decision.position is Position.GRANTED:
            return True  # only an opening opens: not an input's event after the limit shut the gate
        return self._try(lambda: self._relay.move(decision.position))

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except NoGuardError:
            raise
        except RelayError as error:
            log.error("%s", error)
            return False
        return True

    def _submit(self, events: tuple[Event, ...], now: float, grant: int | None = None) -> None:
        """Hand the events over; the log's own time is no time of the loop's."""
        if events:
            self._hand_over(Batch(events, grant, keep=self.grants_unwritten), now)

    def _hand_over(self, batch: Batch, now: float) -> None:
        outcome = self._writer.submit(batch, now)
        if outcome is None:
            self._submitted.append(batch)
        else:
            self.settle(outcome, now)

    def _refused(self, batch: Batch, error: str, now: float) -> None:
        pending = batch.grant is not None and batch.grant == self.lane.pending
        if batch.keep:
            if pending and batch.grant is not None:
                self._open_unwritten(batch.grant, now)
        elif pending:
            self.process(missed(error), now)
        else:
            self._fault(Reason.FAULT_STORE, error, now)

    def _open_unwritten(self, grant: int, now: float) -> None:
        self._opened_unwritten.add(grant)
        self.process(Signal(Trigger.COMMITTED), now)

    def _fault(self, part: Reason, detail: str, now: float) -> None:
        self.process(Signal(Trigger.FAULT, reason=part, detail=detail), now)

    def _catch_up(self, now: float) -> None:
        """Try the relay's line and the log again."""
        if self.is_at_fault(Reason.FAULT_RELAY):
            position = position_in(self.lane.state)
            if self._try(lambda: self._relay.move(position)):
                self.process(Signal(Trigger.RECOVERED, reason=Reason.FAULT_RELAY), now)
        if not self._submitted:  # else the log is being tried already
            self._hand_over(Batch(keep=self.grants_unwritten), now)
