"""What stands for the models, and for the time of another process."""

from __future__ import annotations

import select
from types import SimpleNamespace
from typing import Any

from gate.core.domain import Frame, Observation
from gate.hardware.guard import Guard
from tests.fakes import seen
from tests.faults.calls.virtual_time import TIME

SMILES = 1
"""The first value of a picture in which somebody smiles."""
ANSWER_S = 60.0
"""Real time that another process has for its answer, on a busy machine."""


class Pipeline:
    """Stands for the models: a picture says itself whether somebody smiles in it."""

    def __init__(self) -> None:
        self.stages = SimpleNamespace(spent={})

    def observe(self, frame: Frame) -> Observation:
        if frame.image[0, 0, 0] == SMILES:
            return seen(at=frame.monotonic, number=frame.sequence)
        return Observation(frame.sequence, frame.monotonic)

    def reset(self) -> None:
        """It remembers nothing."""


def answer_at_once() -> None:
    """The guard is a real process, which answers within no virtual time at all."""
    its: Any = Guard
    read = its._read

    def patient(guard: Any, patience_s: float) -> None:
        pipe = guard._process.stdout
        if guard._answered < guard._number or guard._starts():
            answers = select.poll()
            answers.register(pipe, select.POLLIN)
            answers.poll(1000 * ANSWER_S)
        before = guard._answered
        read(guard, 0)
        if guard._process is not None and guard._answered == before and patience_s:
            TIME.sleep(patience_s)

    its._read = patient
