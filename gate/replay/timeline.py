"""The timeline of a replay as a picture: score, eyes, counted frames, the relay's line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import EventKind, Position, State
from gate.hardware.picture_files import write_picture

if TYPE_CHECKING:
    from gate.core.domain import Image
    from gate.replay.trace import Trace

Colour = tuple[int, int, int]

COLOURS: dict[State, Colour] = {
    State.FACE_PRESENT: (245, 227, 207),
    State.SMILING: (169, 233, 253),
    State.GRANTED: (191, 230, 191),
    State.REARMING: (228, 228, 228),
    State.FAULT: (192, 194, 245),
    State.EMERGENCY: (132, 138, 240),
}
"""Light bands behind the curves, BGR, told apart by lightness too; idle and closed stay white."""
INK, GRAY, LINE, LIMIT = (40, 40, 40), (150, 150, 150), (168, 95, 31), (51, 51, 170)
WIDTH, HEIGHT = 1210, 660
LEFT, RIGHT, TOP = 120, 1190, 62
FONT = cv2.FONT_HERSHEY_SIMPLEX
FINE = 4
"""Bits behind the point in coordinates: OpenCV draws smooth lines between them."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the diagrams: its place in the picture and the range of its values."""

    name: str
    top: int
    bottom: int
    least: float
    most: float
    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """Height of a value in the picture, px."""
        return self.bottom - (value - self.least) / (self.most - self.least) * (
            self.bottom - self.top
        )


def timeline(told: Trace, path: Path, *, title: str = "") -> None:
    """Draw smile score, open eyes, counted frames, relay and state over the clip's time.

    Raises `PictureError` if it can't be written; the path's suffix says in which format.
    """
    write_picture(path, drawn(told, title))


def drawn(told: Trace, title: str = "") -> Image:
    """The picture, (660, 1210, 3) BGR."""
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    begun = told.moments[0].observation.monotonic if told.moments else 0.0
    times = [moment.observation.monotonic - begun for moment in told.moments]
    lasts = max([*times, 1 / told.fps]) + 1 / told.fps
    most = max(told.rules.frames, *(moment.count for moment in told.moments), 1)
    smile = Panel("smile score", TOP, 330, -0.03, 1.03, (0, 0.5, 1))
    eyes = Panel("open eyes", 350, 440, -0.3, 2.3, (0, 1, 2))
    counted = Panel("counted", 460, 540, -0.3, most + 0.7, (0, told.rules.frames))
    relay = Panel("relay", 560, 610, -0.2, 1.2, (0, 1))
    panels = (smile, eyes, counted, relay)

    def x(at: float) -> float:
        return LEFT + (RIGHT - LEFT) * at / lasts

    _bands(image, told, times, panels, x)
    _axes(image, panels, lasts, x)
    guests = [moment.observation.guest for moment in told.moments]
    scores = [math.nan if one is None or one.smile is None else one.smile for one in guests]
    _dashes(image, smile, told.rules.threshold, "threshold")
    _curve(image, [(x(at), smile.y(score)) for at, score in zip(times, scores, strict=True)])
    for at, guest in zip(times, guests, strict=True):
        if guest is not None and guest.eyes_open is not None:
            cv2.circle(image, (round(x(at)), round(eyes.y(guest.eyes_open))), 2, LINE, -1, 16)
    _dashes(image, counted, told.rules.frames, "asked for")
    _steps(image, counted, times, [moment.count for moment in told.moments], x(lasts), x)
    moves = [(at - begun, position) for at, position in told.moves]
    on = [(0.0, 0), *((at, int(position is not Position.SAFE)) for at, position in moves)]
    _steps(image, relay, [at for at, _ in on], [level for _, level in on], x(lasts), x)
    _verdicts(image, told, begun, smile, relay, x)
    _text(image, title, LEFT, 30, INK, 0.7)
    return image


def _bands(
    image: Image,
    told: Trace,
    times: Sequence[float],
    panels: tuple[Panel, ...],
    x: Callable[[float], float],
) -> None:
    """The states as colours behind the curves, and what each colour means."""
    states = zip(times, (moment.state for moment in told.moments), strict=True)
    for state, group in groupby(states, key=lambda one: one[1]):
        span = [at for at, _ in group]
        if state in COLOURS:
            for panel in panels:
                corners = (round(x(span[0])), panel.top), (round(x(span[-1] + 1 / told.fps)), 0)
                cv2.rectangle(image, corners[0], (corners[1][0], panel.bottom), COLOURS[state], -1)
    seen = dict.fromkeys(moment.state for moment in told.moments)
    place = RIGHT
    for state in reversed([one for one in COLOURS if one in seen]):
        place -= _width(str(state), 0.45) + 34
        cv2.rectangle(image, (place, 18), (place + 20, 32), COLOURS[state], -1)
        _text(image, str(state), place + 25, 30)


def _axes(
    image: Image, panels: tuple[Panel, ...], lasts: float, x: Callable[[float], float]
) -> None:
    for panel in panels:
        cv2.rectangle(image, (LEFT, panel.top), (RIGHT, panel.bottom), GRAY, 1)
        _text(image, panel.name, 8, (panel.top + panel.bottom) // 2 + 5)
        for tick in panel.ticks:
            label = ("off", "on")[int(tick)] if panel.name == "relay" else f"{tick:g}"
            _text(image, label, LEFT - 6 - _width(label, 0.4), round(panel.y(tick)) + 4, INK, 0.4)
    step = next(one for one in (0.5, 1, 2, 5, 10, 30, 60, 300, 1e9) if lasts / one <= 20)
    for number in range(int(lasts / step) + 1):
        at, bottom = round(x(number * step)), panels[-1].bottom
        cv2.line(image, (at, bottom), (at, bottom + 5), GRAY, 1)
        _text(image, f"{number * step:g}", at - 5, bottom + 20, INK, 0.4)
    _text(image, "time (s)", (LEFT + RIGHT) // 2 - 30, HEIGHT - 10)


def _verdicts(
    image: Image,
    told: Trace,
    begun: float,
    top: Panel,
    bottom: Panel,
    x: Callable[[float], float],
) -> None:
    """Where somebody was granted, or left without, and why."""
    for happening in told.happenings:
        event = happening.event
        if event.kind in (EventKind.GRANTED, EventKind.VISIT_LEFT):
            at = round(x(event.monotonic - begun))
            cv2.line(image, (at, top.top), (at, bottom.bottom), INK, 1)
            words = f"{event.kind}: {event.reason}"
            _text(image, words, min(at + 4, RIGHT - _width(words, 0.45)), TOP - 6)


def _curve(image: Image, points: Sequence[tuple[float, float]]) -> None:
    """A line through the points; one that is not a number interrupts it."""
    for first, second in pairwise(points):
        if not math.isnan(first[1] + second[1]):
            begin, end = _fine(first), _fine(second)
            cv2.line(image, begin, end, LINE, 2, cv2.LINE_AA, FINE)


def _fine(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0] * 2**FINE), round(point[1] * 2**FINE)


def _steps(
    image: Image,
    panel: Panel,
    times: Sequence[float],
    values: Sequence[float],
    end: float,
    x: Callable[[float], float],
) -> None:
    """A line that keeps each value until the next time."""
    points: list[tuple[float, float]] = []
    for at, value in zip(times, values, strict=True):
        if points:
            points.append((x(at), points[-1][1]))
        points.append((x(at), panel.y(value)))
    if points:
        _curve(image, [*points, (end, points[-1][1])])


def _dashes(image: Image, panel: Panel, value: float, name: str) -> None:
    y = round(panel.y(value))
    for left in range(LEFT, RIGHT, 12):
        cv2.line(image, (left, y), (min(left + 7, RIGHT), y), LIMIT, 1)
    _text(image, name, LEFT + 5, y - 4, LIMIT, 0.4)


def _text(
    image: Image, words: str, x: int, y: int, colour: Colour = INK, size: float = 0.45
) -> None:
    """Words whose lower left corner is at x, y; OpenCV's letters are ASCII."""
    plain = words.encode("ascii", "replace").decode()
    cv2.putText(image, plain, (x, y), FONT, size, colour, 1, cv2.LINE_AA)


def _width(words: str, size: float) -> int:
    return cv2.getTextSize(words, FONT, size, 1)[0][0]
