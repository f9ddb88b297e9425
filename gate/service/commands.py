"""What an operator asks, done to the lane. Called from the loop; a refusal changes nothing."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import dataclass

from gate.core.domain import Event, EventKind, Reason, Signal, State, Trigger
from gate.core.lane_closures import OperatorClose
from gate.errors import ControlError
from gate.interfaces.control.peer import Role
from gate.interfaces.control.protocol import Answer, Command, Request
from gate.service import operator_close
from gate.service.parts import Parts
from gate.service.snapshot import failure_text, snapshot

log = logging.getLogger(__name__)

KEEP_S = 5.0
"""A client waits so long for what the log says of a close; three times that is its own patience."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An operator's grant, by its number: `opened` says what came of it."""

    grant: int


def carry_out(parts: Parts, request: Request, now: float) -> Answer | Opening:
    """Do it, and say what came of it. Raises `ControlError` with the reason of a refusal.

    An opening is not decided before its record is in the log.
    """
    match request.command:
        case Command.STATUS:
            roles = request.peer.roles
            people = bool(roles & {Role.STEER, Role.READ})
            return {"status": snapshot(parts, now, people=people).as_dict(), "roles": sorted(roles)}
        case Command.OPEN:
            return _open(parts, request, now)
        case Command.CLOSE:
            return {"said": _close(parts, request, now), "kept": _keep(parts)}
        case Command.REOPEN:
            return {"said": _reopen(parts, request, now), "kept": _keep(parts)}
        case Command.CLEAR_FAULT:
            return {"said": _clear_fault(parts, request, now)}
        case _:
            raise ControlError(f"'{request.command}' is not the lane's")


def with_kept(answer: Answer) -> Answer:
    """The answer with ``kept``: whether the next start will find a close, or its end, as it is now.

    Called in the client's thread, which waits for the log; one that hangs keeps nothing for now.
    """
    kept = answer.get("kept")
    if not isinstance(kept, Future):
        return answer
    try:
        problem = kept.result(KEEP_S)
    except TimeoutError:
        problem = "the audit log does not answer"
    if problem is None:
        return answer | {"kept": True}
    said = (
        f"{answer['said']}; BUT A RESTART FORGETS IT: {problem}; free some space or mend the card,"
        " then say it again"
    )
    return answer | {"said": said, "kept": False}


def opened(parts: Parts, opening: Opening) -> Answer | None:
    """What came of this very opening, whatever came after; None while its record is not in the log.

    Raises `ControlError` where it did not open.
    """
    controller = parts.lane.controller
    fate = controller.opened_by(opening.grant)
    if fate is None:
        return None
    if not fate:
        raise ControlError(f"the gate did not open: {_trouble(parts)}")
    return {"said": f"the gate is open for {controller.rules.hold_s:g} s"}


def _open(parts: Parts, request: Request, now: float) -> Opening:
    controller = parts.lane.controller
    signal = Signal(Trigger.OPERATOR_GRANT, Reason.OPERATOR, who=request.who, detail=request.why)
    if controller.lane.pending is not None:
        raise ControlError("the gate is about to open already; ask again when it has")
    if not controller.process(signal, now):
        raise ControlError(
            f"not while the lane is in {controller.lane.state}; end that first: smile-gate"
            " clear-fault, or the key switch"
        )
    return Opening(controller.lane.grants)


def _is_open(parts: Parts) -> bool:
    return parts.lane.controller.lane.state is State.GRANTED


def _close(parts: Parts, request: Request, now: float) -> str:
    controller, closures = parts.lane.controller, parts.lane.closures
    if closures.closing is not None:
        return f"the lane was closed already by {closures.closing.who}"
    who, why = request.who, request.why
    closures.by_operator(OperatorClose(who, why))
    if controller.lane.open:
        controller.process(Signal(Trigger.CLOSED, Reason.OPERATOR, who=who, detail=why), now)
    else:
        _note(parts, EventKind.LANE_CLOSED, who, why, now)
    if _is_open(parts):
        return "the lane closes as soon as the gate has shut"
    return "the lane is closed until: smile-gate reopen"


def _reopen(parts: Parts, request: Request, now: float) -> str:
    controller, closures, who = parts.lane.controller, parts.lane.closures, request.who
    if closures.closing is None:
        if controller.lane.open:
            return "the lane is open"
        raise ControlError(f"no operator closed the lane; {_kept_closed(parts)}")
    closures.by_operator(None)
    if closures.closed_by:
        _note(parts, EventKind.CLOSE_LIFTED, who, request.why, now)
        return f"taken back, but {_kept_closed(parts)}"
    signal = Signal(Trigger.OPENED, Reason.OPERATOR, who=who, detail=request.why)
    controller.process(signal, now)
    if controller.lane.faults:
        return f"the lane is open again, but the gate is not well: {_trouble(parts)}"
    return "the lane is open again"


def _clear_fault(parts: Parts, request: Request, now: float) -> str:
    controller, who = parts.lane.controller, request.who
    done = []
    if controller.lane.state is State.EMERGENCY:
        if parts.hardware.signals.emergency_held():
            raise ControlError("the emergency contact still asks for it; put it to rest first")
        controller.process(Signal(Trigger.EMERGENCY_CLEARED, who=who, detail=request.why), now)
        done.append("the emergency is over")
    if controller.is_at_fault(Reason.FAULT_CRASH_LOOP):
        parts.health.crash_loop.clear()
        controller.process(Signal(Trigger.RECOVERED, Reason.FAULT_CRASH_LOOP, who=who), now)
        done.append("the pause after the crashes is over")
    rest = f"{_trouble(parts)}; that ends by itself once the part works again"
    if controller.lane.faults:
        if not done:
            raise ControlError(f"nothing here can be cleared by hand: {rest}")
        done.append(rest)
    if not done:
        raise ControlError("there is no fault to clear")
    return "; ".join(done)


def _keep(parts: Parts) -> Future[str | None]:
    """Remember a close, or its end, beside the log, whose card may take its time.

    What was recorded of it is written before. The outcome is that of `operator_close.keep`.
    """
    done: Future[str | None] = Future()
    closing, path = parts.lane.closures.closing, parts.config.store.path

    def work() -> None:
        store = parts.log.store if parts.log.file.is_open else None
        done.set_result(operator_close.keep(store, path, closing))

    parts.log.writer.do(work)
    return done


def _note(parts: Parts, kind: EventKind, who: str, why: str | None, now: float) -> None:
    """Record an operator's word that does not move the lane: what the log says last of it holds."""
    state = parts.lane.controller.lane.state
    parts.lane.controller.record(
        Event(kind, now, state, state, reason=Reason.OPERATOR, who=who, detail=why)
    )


def _kept_closed(parts: Parts) -> str:
    names = {Reason.SCHEDULE: "the opening hours", Reason.KEY_SWITCH: "the key switch"}
    by = " and ".join(names.get(reason, str(reason)) for reason in parts.lane.closures.closed_by)
    change = parts.lane.jobs.next_change()
    until = f" until {change[0]:%a %H:%M}" if change and change[1] else ""
    return f"kept closed by {by}{until if Reason.SCHEDULE in parts.lane.closures.closed_by else ''}"


def _trouble(parts: Parts) -> str:
    found = [
        f"{part} ({failure_text(parts, part)})" for part, _ in parts.lane.controller.lane.faults
    ]
    return ", ".join(found) or f"it is {parts.lane.controller.lane.state}"
