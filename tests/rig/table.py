"""Steps, how they went, and the table at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.rig.host import Failed, Missing, say


class Result(StrEnum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must hold, in a few words, and how it is tried: it gives what was seen."""

    name: str
    attempt: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Line:
    """A step that was tried."""

    part: str
    step: str
    result: Result
    seconds: float
    seen: str


@dataclass(slots=True)
class Table:
    """What was tried so far."""

    lines: list[Line] = field(default_factory=list)

    def part(self, name: str, steps: Iterable[Step]) -> None:
        """Try the steps of a part in order; each says what was seen."""
        for step in steps:
            self._add(name, step)

    def skip(self, part: str, step: str, why: str) -> None:
        """Note what could not be tried here."""
        self._note(Line(part, step, Result.SKIPPED, 0.0, why))

    def fail(self, part: str, step: str, why: str) -> None:
        """Note what ended a whole part."""
        self._note(Line(part, step, Result.FAILED, 0.0, why))

    def _add(self, part: str, step: Step) -> None:
        begun = time.monotonic()
        try:
            seen, result = step.attempt(), Result.PASSED
        except Missing as error:
            seen, result = str(error), Result.SKIPPED
        except Failed as error:
            seen, result = str(error), Result.FAILED
        self._note(Line(part, step.name, result, round(time.monotonic() - begun, 1), seen))

    def _note(self, line: Line) -> None:
        self.lines.append(line)
        say(f"{line.result:7}  {line.seconds:6.1f} s  {line.part}: {line.step}: {line.seen}")

    @property
    def failed(self) -> list[Line]:
        """The steps that failed; one that was skipped did not, and is no success either."""
        return [line for line in self.lines if line.result is Result.FAILED]

    def markdown(self) -> str:
        """The table for people."""
        head = "| part | step | result | time | seen |\n|---|---|---|---|---|"
        rows = [
            f"| {line.part} | {line.step} | {line.result} | {line.seconds:.1f} s |"
            f" {' '.join(line.seen.split()).replace('|', '/')[:200]} |"
            for line in self.lines
        ]
        return "\n".join([head, *rows, "", self.totals()]) + "\n"

    def totals(self) -> str:
        """How many passed, failed and were skipped, in one line."""
        counts = dict.fromkeys(Result, 0)
        for line in self.lines:
            counts[line.result] += 1
        return ", ".join(f"{number} {result.lower()}" for result, number in counts.items())

    def write(self, folder: Path) -> None:
        """Write the table as Markdown and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(self.markdown())
        rows = [asdict(line) for line in self.lines]
        (folder / "table.json").write_text(json.dumps(rows, indent=1) + "\n")
