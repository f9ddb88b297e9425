"""What the log says of the runs before this one, read at once as soon as it is open.

A log that opens and then cannot be read is a log that cannot be opened: nothing asks it later.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gate.audit import Store
from gate.config import Config
from gate.core.domain import Event, EventKind, Reason, Record, State
from gate.service import last_config


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """What a start asks of the log; without arguments, of a log that says nothing."""

    newest: tuple[Record, ...] = ()
    """The newest events, oldest first."""
    next_visit: int = 1
    """The first visit number that no guest ever had."""
    operators_word: Record | None = None
    """The newest close or reopening by an operator."""
    unclean: Record | None = None
    """The last event of the last run, where that one did not record its end."""
    settings: str = ""
    """Digest of the settings of the last run; empty where it is not known."""
    crashes: int = 0
    """Runs that ended uncleanly a short time ago, the last one included."""

    @property
    def in_emergency(self) -> bool:
        """Whether the log ends in an emergency: nobody cleared it before that end."""
        states = (record.event.after for record in reversed(self.newest))
        return next((state for state in states if state is not None), None) is State.EMERGENCY

    def ended(self, config: Config) -> list[Event]:
        """How the last run ended, and what is set otherwise since: to be recorded first."""
        events, digest, now = [], config.digest(), time.monotonic()
        if self.unclean is not None:
            last = self.unclean
            detail = f"last event {last.sequence}, {last.wall:%Y-%m-%d %H:%M:%S} UTC"
            events.append(Event(EventKind.UNCLEAN_END, now, detail=detail))
        if self.settings not in ("", digest):
            changed = last_config.since(config.store.path, self.settings, config)
            digests = f"{self.settings[:12]} -> {digest[:12]}"
            detail = "; ".join([*map(str, changed)] or [digests])
            events.append(Event(EventKind.CONFIG_CHANGED, now, detail=detail))
        return events


def read(store: Store, window_s: float) -> EarlierRuns:
    """Ask an open log; crashes within ``window_s`` seconds count. Raises `StoreError`."""
    run = store.newest_run()
    return EarlierRuns(
        newest=tuple(store.newest()),
        next_visit=store.next_visit(),
        operators_word=store.operators_word(),
        unclean=store.unclean,
        settings="" if run is None else run.origin.config,
        crashes=_crashes(store, window_s),
    )


def _crashes(store: Store, window_s: float) -> int:
    """How many runs ended uncleanly; those before an operator's word that all is good don't count.

    The last one counts although its `unclean_end` is still to be recorded.
    """
    since = datetime.now(UTC) - timedelta(seconds=window_s)
    count = 0
    for record in store.records(since=since, event=(EventKind.UNCLEAN_END, EventKind.RECOVERED)):
        event = record.event
        if event.kind is EventKind.UNCLEAN_END:
            count += 1
        elif event.reason is Reason.FAULT_CRASH_LOOP and event.who is not None:
            count = 0
    return count + (store.unclean is not None)
