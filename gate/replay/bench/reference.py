"""Figures of machines that were really measured, and whether a board keeps up with its camera."""

from __future__ import annotations

import csv
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from gate.errors import GateError
from gate.hardware import board
from gate.system import resources

REFERENCE = resources.path("bench_reference.csv")
"""Measured figures; `smile-gate bench --save` wrote each row on the machine that it names."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    machine: str
    date: str
    """ISO 8601."""
    version: str
    """Of smile-gate."""
    scene: str
    stage: str
    """``face``, ``smile``, ``eyes``, ``rest``; ``whole``, its ``p99`` and ``naive``; ``peak``."""
    value: float
    unit: str
    """``ms``: of one core's time, a frame; ``MB``: resident."""


COLUMNS = [field.name for field in fields(Figure)]


class Pace(StrEnum):
    """Whether a frame's work is done before the next frame comes."""

    KEEPS_UP = "keeps_up"
    """99 frames of 100 are."""
    BARELY = "barely"
    """On average; some frames are replaced by newer ones before they are judged."""
    TOO_SLOW = "too_slow"


def pace(mean_ms: float, p99_ms: float, fps: float) -> Pace:
    """Whether a machine with these times keeps up with so many frames a second."""
    budget = 1000 / fps
    if p99_ms <= budget:
        return Pace.KEEPS_UP
    return Pace.BARELY if mean_ms <= budget else Pace.TOO_SLOW


def load(path: Path = REFERENCE) -> list[Figure]:
    """The figures of a file. Raises `GateError` for one that is not such a file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != COLUMNS:
                raise GateError(f"{path}: not a file of `smile-gate bench --save`; check the path")
            return [
                Figure(
                    machine=row["machine"],
                    date=row["date"],
                    version=row["version"],
                    scene=row["scene"],
                    stage=row["stage"],
                    value=float(row["value"]),
                    unit=row["unit"],
                )
                for row in rows
            ]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise GateError(f"{path}: can't be read ({error}); check the path") from None


def append(path: Path, figures: Iterable[Figure]) -> None:
    """Add figures to a file, which is made where there is none. Raises `GateError`."""
    fresh = not path.exists()
    if not fresh:
        load(path)  # never append to another file
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if fresh:
                rows.writeheader()
            rows.writerows(asdict(figure) for figure in figures)
    except OSError as error:
        raise GateError(f"{path}: can't be written ({error.strerror}); check the path") from None


def latest(figures: Iterable[Figure], scene: str, stage: str) -> dict[str, Figure]:
    """The newest figure of each machine for one stage of a scene."""
    found: dict[str, Figure] = {}
    for figure in figures:
        if (figure.scene, figure.stage) == (scene, stage):
            before = found.get(figure.machine)
            if before is None or before.date <= figure.date:
                found[figure.machine] = figure
    return found


def machine(root: Path = Path("/")) -> str:
    """Name of this machine: the board's own, or its processor's."""
    return board.read(root).model or next(_processor(root), platform.machine() or "unknown")


def _processor(root: Path) -> Iterator[str]:
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    if names:
        yield f"{names[0]} ({len(names)} cores, {platform.machine()})"
