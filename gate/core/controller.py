"""From a signal to the log and the relay, in the order that the promises ask for.

The machine decides; the controller carries out: a grant moves the relay only after its record is
committed, anything that takes the relay back to safety or into an emergency moves first.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from gate.core.describe import describe
from gate.core.domain import Event, Observation, Position, Reason, Signal, State, Trigger
from gate.core.machine import Decision, due, position_in, replaced, step
from gate.core.rules import Rules, interpret
from gate.core.transitions import Lane
from gate.errors import IllegalTransition, RelayError, StoreError

log = logging.getLogger(__name__)

UNWRITTEN_LIMIT = 10_000
"""Events kept in memory while the log can't be written; the oldest go first beyond that."""
RETRY_S = 1.0
"""Time until a log that can't be written is tried again, s."""


class Recorder(Protocol):
    """The log that events are committed to."""

    def record(self, events: Sequence[Event]) -> object:
        """Commit all of them or none; raises `StoreError`."""


class Actuator(Protocol):
    """The relay that opens the gate."""

    def move(self, position: Position) -> None:
        """Go to a position; raises `RelayError`."""

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
        recorder: Recorder,
        relay: Actuator,
        *,
        lane: Lane | None = None,
        grants_unwritten: bool = False,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.rules = rules
        self.lane = lane or Lane()
        self._recorder = recorder
        self._relay = relay
        self.grants_unwritten = grants_unwritten
        self._on_event = on_event
        self._unwritten: deque[Event] = deque(maxlen=UNWRITTEN_LIMIT)
        self._retry_at = -math.inf
        self.details: dict[Reason, str] = {}
        """The latest description of each part at fault."""

    def record(self, event: Event) -> None:
        """Record something that does not concern the lane's state, such as the start."""
        self._commit((event,), event.monotonic, granting=False)

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
        if signal.trigger is Trigger.FAULT and signal.reason is not None:
            self.details[signal.reason] = signal.detail or ""
        if self._is_news(signal):
            try:
                decision = step(self.rules, self.lane, signal, now)
            except IllegalTransition as error:
                log.warning("refused: %s", error)
                return False
            if signal.trigger is Trigger.EMERGENCY_CLEARED:
                self._relay.clear()
            self._carry_out(decision, now)
        return True

    def is_at_fault(self, fault: Reason) -> bool:
        """Whether the part is at fault now."""
        return any(known is fault for known, _ in self.lane.faults)

    @property
    def unwritten(self) -> int:
        """Number of events that wait until the log can be written again."""
        return len(self._unwritten)

    @property
    def oldest_unwritten(self) -> float | None:
        """Monotonic time of the first of them, s; None where none waits."""
        return self._unwritten[0].monotonic if self._unwritten else None

    def tick(self, now: float) -> None:
        """Apply the passing of time: holds that end, guests that left, a log to be tried again."""
        while (signal := due(self.rules, self.lane, now)) is not None:
            self.process(signal, now)
        broken = self.is_at_fault(Reason.FAULT_STORE) or self.is_at_fault(Reason.FAULT_RELAY)
        if now >= self._retry_at and (self._unwritten or broken):
            self._retry_at = now + RETRY_S
            self._catch_up(now)

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
        granting = decision.position is Position.GRANTED and self.lane.state is not State.GRANTED
        if not granting:
            # To safety, or into an emergency: a log that is slow or full must not be in the way.
            self.lane = decision.lane
            moved = self._move(decision.position)
            self._commit(decision.events, now, granting=False)
            if not moved:
                self._fault(Reason.FAULT_RELAY, "the line cannot be driven", now)
        elif self._commit(decision.events, now, granting=True):
            self.lane = decision.lane
            if not self._move(decision.position):
                self._fault(Reason.FAULT_RELAY, "the line cannot be driven", now)

    def _move(self, position: Position) -> bool:
        try:
            self._relay.move(position)
        except RelayError as error:
            log.error("%s", error)
            return False
        return True

    def _commit(self, events: tuple[Event, ...], now: float, *, granting: bool) -> bool:
        """Commit the events. A grant that can't be committed does not happen."""
        if not events:
            return True
        try:
            self._write(events, now)
        except StoreError as error:
            self._retry_at = now + RETRY_S
            if self.grants_unwritten:
                self._keep(events, error)
                return True
            log.error("%s", error)
            if not granting:
                self._unwritten.extend(events)
            self._fault(Reason.FAULT_STORE, str(error), now)
            return False
        return True

    def _write(self, events: tuple[Event, ...], now: float) -> None:
        """Commit the waiting events and these in one transaction, then report all of them."""
        written = [*self._late(now), *events]
        self._recorder.record(written)
        self._unwritten.clear()
        for event in written:
            self._on_event(event)

    def _late(self, now: float) -> list[Event]:
        """The waiting events; each says how late it is, as its wall time is that of the writing."""
        return [
            replace(event, detail=f"{lead}written {now - event.monotonic:.1f} s late")
            for event in self._unwritten
            for lead in [f"{event.detail}; " if event.detail else ""]
        ]

    def _keep(self, events: tuple[Event, ...], error: StoreError) -> None:
        """Keep events that the log can't take now, and write them to the journal."""
        if not self._unwritten:
            log.critical("%s; the lane goes on, its events are in the journal", error)
        for event in events:
            log.critical("not in the log yet: %s", describe(event))
        self._unwritten.extend(events)

    def _fault(self, part: Reason, detail: str, now: float) -> None:
        self.process(Signal(Trigger.FAULT, reason=part, detail=detail), now)

    def _catch_up(self, now: float) -> None:
        """Try the relay's line and the log again."""
        if self.is_at_fault(Reason.FAULT_RELAY) and self._move(position_in(self.lane.state)):
            self.process(Signal(Trigger.RECOVERED, reason=Reason.FAULT_RELAY), now)
        try:
            if self._unwritten:
                self._write((), now)
        except StoreError as error:
            log.debug("still: %s", error)
            return
        self.process(Signal(Trigger.RECOVERED, reason=Reason.FAULT_STORE), now)
