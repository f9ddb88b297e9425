"""The audit log of a running gate, which need not be there from the start.

A read-only card, a lock, somebody else's database: the gate runs at `fault_store`, keeps what
happens in memory and in the journal, and each try to write opens the log if that works by now.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

from gate.audit import Store
from gate.audit.from_config import open_store
from gate.config import Config
from gate.core.domain import Event, Record
from gate.errors import StoreError
from gate.service import earlier_runs
from gate.service.earlier_runs import EarlierRuns

log = logging.getLogger(__name__)

PAUSE_S = 0.8
"""Not before that it is tried again: less than the time after which the controller asks for it."""


class LogFile:
    """Opens the log when it can. `record` is for one thread; the rest may be asked from any.

    It is open once what it says of `EarlierRuns` is read, too.
    """

    def __init__(
        self,
        config: Config,
        *,
        card_threshold: float,
        model_hash: str,
        on_late_opening: Callable[[EarlierRuns], object] = lambda earlier: None,
    ) -> None:
        """``on_late_opening`` is called by `record` where only that could open the log."""
        self.path = config.store.path
        self._config = config
        self._card_threshold = card_threshold
        self._model_hash = model_hash
        self._lock = threading.Lock()
        self._on_late_opening = on_late_opening
        self._store: Store | None = None
        self.earlier = EarlierRuns()
        """What the log says of earlier runs; nothing before it is open."""
        self._late: list[Event] = []
        """How the last run ended, where that is still to be written."""
        self._visits_before = 0
        self._failed_at = -math.inf
        self.problem = "it was not opened yet"
        """Why it is not open."""

    @property
    def store(self) -> Store:
        """The open log. Raises `StoreError` where it is not open."""
        if self._store is None:
            raise StoreError(self.problem)
        return self._store

    @property
    def is_open(self) -> bool:
        """Whether it could be opened by now."""
        return self._store is not None

    def open(self) -> bool:
        """Try to open it, at the start of the gate; `problem` says why it can't be."""
        try:
            self._open()
        except StoreError as error:
            log.critical("%s; the gate runs without it, at fault, and tries again", error)
        return self.is_open

    def describe(self, config: Config, *, card_threshold: float, model_hash: str) -> None:
        """Other settings or another model are in force from now on."""
        with self._lock:
            self._config, self._card_threshold = config, card_threshold
            self._model_hash = model_hash
            store = self._store
        if store is not None:
            store.describe(
                config_hash=config.digest(),
                model_hash=model_hash,
                threshold=config.rules(card_threshold).threshold,
            )

    def record(self, events: Sequence[Event]) -> Sequence[Record]:
        """Write the events, see `Store.record`. Raises `StoreError`, whatever goes wrong."""
        try:
            if self._store is None:
                if time.monotonic() - self._failed_at < PAUSE_S:
                    raise StoreError(self.problem)
                self._open()
                # This run counted its visits from 1, as nobody could tell it the last one's.
                self._visits_before = self.earlier.next_visit - 1
                self._late = self.earlier.ended(self._config)
                self._on_late_opening(self.earlier)
            records = self.store.record([*self._late, *map(self._renumbered, events)])
            self._late = []
            return records
        except StoreError:
            raise
        except Exception as error:
            log.exception("in the audit log")
            raise StoreError(f"audit log {self.path}: {type(error).__name__}: {error}") from None

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._store is not None:
            self._store.close()

    def _open(self) -> None:
        with self._lock:
            config, threshold, model = self._config, self._card_threshold, self._model_hash
        try:
            store = open_store(config, self.path, card_threshold=threshold, model_hash=model)
            with ExitStack() as opened:
                opened.enter_context(closing(store))
                earlier = earlier_runs.read(store, config.service.crash_window_s)
                opened.pop_all()
        except StoreError as error:
            self.problem = str(error)
            raise
        except Exception as error:
            log.exception("opening the audit log")
            self.problem = f"audit log {self.path}: {type(error).__name__}: {error}"
            raise StoreError(self.problem) from None
        finally:
            self._failed_at = time.monotonic()
        self.earlier, self._store = earlier, store

    def _renumbered(self, event: Event) -> Event:
        if event.visit is None or not self._visits_before:
            return event
        return replace(event, visit=event.visit + self._visits_before)
