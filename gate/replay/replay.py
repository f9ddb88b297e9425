"""The real pipeline and machine over recorded frames, on the clip's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from gate.audit.from_config import open_store
from gate.config import Config
from gate.core.controller import Controller
from gate.core.domain import Event, EventKind, Frame, Position, Reason, Signal, Trigger
from gate.core.recorder import DirectWriter
from gate.core.transitions import Lane
from gate.errors import CutShort, EndOfClip
from gate.hardware.camera import CameraRequest, open_source
from gate.replay.trace import Trace, TraceEvent, TraceFrame
from gate.vision.detector import smallness
from gate.vision.from_config import open_model, open_mounting, open_pipeline

if TYPE_CHECKING:
    from gate.core.domain import Image


class DryRelay:
    """A relay that only remembers its moves: a replay drives no pin."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.moves: list[tuple[float, Position]] = []

    def move(self, position: Position) -> None:
        """Remember the move."""
        last = self.moves[-1][1] if self.moves else Position.SAFE
        if position is not last:
            self.moves.append((self._clock(), position))

    def grant(self, *, way_out: bool = False) -> None:
        """Remember that it opens."""
        del way_out
        self.move(Position.GRANTED)

    def clear(self) -> None:
        """Do nothing: this relay has no emergency of its own."""


class Replay:
    """One clip through one gate; `frames` plays it, `told` collects the events and frames."""

    def __init__(
        self,
        clip: Path,
        config: Config,
        *,
        database: Path | None = None,
        on_event: Callable[[TraceEvent], None] = lambda event: None,
    ) -> None:
        """Open the clip, the model and the log (``database`` None: thrown away).

        Raises `CameraError`, `ModelError` or `StoreError`.
        """
        with ExitStack() as opened:  # given back where a later part can't be opened
            self._source = open_source(str(clip.resolve()), CameraRequest(fps=config.camera.fps))
            opened.callback(self._source.close)
            self._smile = open_model(config)
            opened.callback(self._smile.close)
            self._pipeline = open_pipeline(config, self._smile)
            card = self._smile.card
            self._store = open_store(
                config,
                database,
                card_threshold=card.threshold,
                model_hash=card.sha256,
                mends=False,
            )
            opened.callback(self._store.close)
            self._opened = opened.pop_all()
        self.count = self._source.count
        self.mounting = open_mounting(config)
        self._index = 0
        self._time = 0.0
        self._on_event = on_event
        self._relay = DryRelay(lambda: self._time)
        self.told = Trace(config.rules(self._smile.card.threshold), self._source.fps)
        self.told.moves = self._relay.moves
        self._control = Controller(
            self.told.rules,
            DirectWriter(self._store),
            self._relay,
            lane=Lane(next_visit=self._store.next_visit()),
            on_event=self._tell,
        )

    def frames(self) -> Iterator[tuple[Image, TraceFrame]]:
        """Play the clip: each picture with its result. Raises `CameraError` if it is broken."""
        self._control.record(Event(EventKind.STARTED, self._time))
        self._control.process(Signal(Trigger.OPENED, Reason.OPERATOR, who="replay"), self._time)
        while True:
            try:
                image = self._source.read()
            except EndOfClip as end:
                if isinstance(end, CutShort):
                    self.told.notes.append(str(end))
                break
            if self._index == 0 and (hint := smallness(image.shape[1], image.shape[0])):
                self.told.notes.append(hint)
            self._time = self._source.taken_s or self._index / self.told.fps
            begun = time.perf_counter()
            observation = self._pipeline.observe(Frame(image, self._index, self._time))
            self._control.observe(observation, self._time)
            work_s = time.perf_counter() - begun
            lane = self._control.lane
            moment = TraceFrame(observation, lane.state, lane.count, work_s)
            self.told.moments.append(moment)
            yield image, moment
            self._index += 1
        self._index = max(self._index - 1, 0)
        self._control.process(Signal(Trigger.STOPPED), self._time)

    def close(self) -> None:
        """Close the log, the model and the clip; may be called twice."""
        self._opened.close()

    def _tell(self, event: Event) -> None:
        happening = TraceEvent(self._index, event)
        self.told.happenings.append(happening)
        self._on_event(happening)
