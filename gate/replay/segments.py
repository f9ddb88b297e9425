"""Clips with labelled stretches through the real gate: its grants beside the right ones.

A folder has clips and ``segments.csv`` with the columns ``path``, ``first_frame``, ``last_frame``
(0-based, both counted) and ``label``: ``smile`` is to be granted, everything else is not. A
``note`` may say what is done instead of smiling.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.core.domain import EventKind
from gate.core.rules import RearmRule, why_not
from gate.errors import PictureError
from gate.replay.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gate.config import Config
    from gate.replay.trace import Trace

LIST = "segments.csv"
SMILE, NONSMILE = "smile", "nonsmile"
SHORT_HOLD_S = 0.3
"""Hold in these replays, s: short, so that the next stretch is judged too."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A labelled stretch of a clip; ``first`` and ``last`` are 0-based frames, both counted."""

    clip: str
    first: int
    last: int
    label: str
    note: str = ""

    @property
    def kind(self) -> str:
        """The label, and what is done where that is told: the note up to its first comma."""
        done = self.note.partition(",")[0].strip()
        return f"{self.label}, {done}" if done and self.label == NONSMILE else self.label


@dataclass(frozen=True, slots=True)
class SegmentOutcome:
    """Result of the gate on a stretch."""

    segment: Segment
    fps: float
    frames: int
    """Frames of the stretch that the clip really has."""
    qualifying: int
    grants: int
    grant_after_s: float | None
    """Time from the stretch's first frame to the first grant in it, s; None without a grant."""
    reasons: tuple[tuple[str, int], ...]
    """Reasons why the other frames did not qualify, most frequent first."""

    @property
    def right(self) -> bool:
        """Whether it was granted within a second (a smile), or not at all (the rest)."""
        if self.segment.label == SMILE:
            return self.grant_after_s is not None and self.grant_after_s <= 1.0
        return self.grants == 0


def load(folder: Path) -> dict[str, list[Segment]]:
    """The stretches of each clip; raises `PictureError` where the list can't be used."""
    path = folder / LIST
    clips: dict[str, list[Segment]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                segment = Segment(
                    line["path"],
                    int(line["first_frame"]),
                    int(line["last_frame"]),
                    line["label"].strip(),
                    line.get("note") or "",
                )
                clips.setdefault(segment.clip, []).append(segment)
    except OSError:
        raise PictureError(
            f"{path}: no such list; it has the columns path, first_frame, …"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise PictureError(
            f"{path}: needs the columns path, first_frame, last_frame, label ({error})"
        ) from None
    return clips


def outcomes(folder: Path, config: Config) -> Iterator[SegmentOutcome]:
    """Replay each clip of the folder once, and tell its stretches apart."""
    config = config.model_copy(
        update={
            "relay": config.relay.model_copy(update={"hold_s": SHORT_HOLD_S}),
            "rearm": config.rearm.model_copy(update={"rule": RearmRule.COOL_DOWN, "after_s": 0.0}),
        }
    )
    for clip, segments in load(folder).items():
        with closing(Replay(folder / clip, config)) as replay:
            for _ in replay.frames():
                pass
        for segment in segments:
            yield _judge(segment, replay.told)


def _judge(segment: Segment, told: Trace) -> SegmentOutcome:
    """The result on one stretch of a replayed clip."""
    moments = told.moments[segment.first : segment.last + 1]
    reasons = Counter(why_not(told.rules, moment.observation) for moment in moments)
    qualifying = reasons.pop(None, 0)
    grants = [
        happening.frame
        for happening in told.happenings
        if happening.event.kind is EventKind.GRANTED
        and segment.first <= happening.frame <= segment.last
    ]
    after = _time(told, grants[0]) - _time(told, segment.first) if grants else None
    named = tuple((str(reason), count) for reason, count in reasons.most_common() if reason)
    return SegmentOutcome(segment, told.fps, len(moments), qualifying, len(grants), after, named)


def _time(told: Trace, frame: int) -> float:
    return told.moments[frame].observation.monotonic
