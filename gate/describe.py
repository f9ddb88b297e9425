"""Events in words."""

from __future__ import annotations

from gate.domain import Event


def describe(event: Event) -> str:
    """One event as a line for people and for the journal."""
    facts = [f"visit {event.visit}"] if event.visit is not None else []
    facts += [str(event.reason)] if event.reason is not None else []
    facts += [f"smile {event.score:.2f}"] if event.score is not None else []
    facts += [f"{event.frames} frames"] if event.frames else []
    facts += [f"by {event.who}"] if event.who else []
    facts += [event.detail] if event.detail else []
    return f"{event.kind}: {', '.join(facts)}" if facts else str(event.kind)
