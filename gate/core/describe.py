"""Events as lines for people, and as fields for the journal."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from gate.core.domain import Event, EventKind

_LEVELS = {
    EventKind.EMERGENCY: logging.CRITICAL,
    EventKind.FAULT: logging.ERROR,
    EventKind.EVENTS_LOST: logging.ERROR,
    EventKind.LOG_SET_ASIDE: logging.ERROR,
    EventKind.LOG_ROLLED_BACK: logging.ERROR,
    EventKind.UNCLEAN_END: logging.WARNING,
    EventKind.FORCED: logging.WARNING,
    EventKind.HELD_OPEN: logging.WARNING,
    EventKind.TAMPER: logging.WARNING,
    EventKind.ASSIST_CALLED: logging.WARNING,
}


def describe(event: Event) -> str:
    """One event as a line for people."""
    facts = [f"visit {event.visit}"] if event.visit is not None else []
    facts += [str(event.reason)] if event.reason is not None else []
    facts += [f"smile {event.score:.2f}"] if event.score is not None else []
    facts += [f"{event.frames} frames"] if event.frames else []
    facts += [f"by {event.who}"] if event.who else []
    facts += [event.detail] if event.detail else []
    return f"{event.kind}: {', '.join(facts)}" if facts else str(event.kind)


def level(event: Event) -> int:
    """The event's urgency, as a level of `logging`."""
    return _LEVELS.get(event.kind, logging.INFO)


def without_person(event: Event) -> Event:
    """The event without personal data, for the journal: no score, no operator, nor their words."""
    return replace(event, score=None, who=None, detail=None if event.who else event.detail)


def fields(event: Event) -> dict[str, Any]:
    """The fields that the journal keeps beside the event's line: ``extra`` of a log call."""
    known = {
        "EVENT": event.kind,
        "VISIT": event.visit,
        "STATE": event.after,
        "REASON": event.reason,
    }
    return {"journal": {name: value for name, value in known.items() if value is not None}}
