"""The timeline of a replay as a picture, drawn by matplotlib."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate.core.domain import EventKind, State
from gate.errors import GateError
from gate.system.extras import install

if TYPE_CHECKING:
    from gate.replay.trace import Trace

COLOURS = {
    State.FACE_PRESENT: "#cfe3f5",
    State.SMILING: "#fde9a9",
    State.GRANTED: "#bfe6bf",
    State.REARMING: "#e4e4e4",
    State.FAULT: "#f5c2c0",
    State.EMERGENCY: "#f08a84",
}
"""Light bands behind the curves, told apart by lightness too; idle and closed stay white."""


def timeline(told: Trace, path: Path, *, title: str = "") -> None:
    """Draw smile score, open eyes, counted frames and the lane's state over the clip's time."""
    pyplot = _pyplot()
    begun = told.moments[0].observation.monotonic if told.moments else 0.0
    times = [moment.observation.monotonic - begun for moment in told.moments]
    guests = [moment.observation.guest for moment in told.moments]
    figure, (top, middle, bottom) = pyplot.subplots(
        3, 1, figsize=(11, 6), sharex=True, height_ratios=[3, 1, 1], layout="constrained"
    )
    try:
        gap = float("nan")
        smiles = [gap if guest is None or guest.smile is None else guest.smile for guest in guests]
        eyes = [
            gap if guest is None or guest.eyes_open is None else guest.eyes_open for guest in guests
        ]
        top.plot(times, smiles, color="#1f5fa8", label="smile")
        top.axhline(told.rules.threshold, color="#a33", linestyle="--", label="threshold")
        top.set(ylim=(-0.03, 1.03), ylabel="smile score")
        middle.plot(times, eyes, ".", markersize=3, color="#1f5fa8")
        middle.set(ylim=(-0.3, 2.3), yticks=[0, 1, 2], ylabel="open eyes")
        bottom.step(times, [moment.count for moment in told.moments], color="#1f5fa8", where="post")
        bottom.axhline(told.rules.frames, color="#a33", linestyle="--")
        bottom.set(ylabel="counted", xlabel="time (s)")
        _bands(told, begun, (top, middle, bottom))
        for happening in told.happenings:
            if happening.event.kind in (EventKind.GRANTED, EventKind.VISIT_LEFT):
                at = happening.event.monotonic - begun
                reason = str(happening.event.reason)
                top.axvline(at, color="#333", linewidth=0.8)
                top.annotate(reason, (at, 0.02), rotation=90, fontsize=8, ha="right")
        figure.legend(loc="outside upper right", fontsize=8, ncols=8)
        figure.suptitle(title, x=0.06, ha="left")
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise GateError(f"{path}: the plot cannot be written: {error}") from None
    finally:
        pyplot.close(figure)


def _bands(told: Trace, begun: float, axes: tuple[Any, ...]) -> None:
    named: set[State] = set()
    step = 1 / told.fps
    for state, group in groupby(told.moments, key=lambda moment: moment.state):
        span = [moment.observation.monotonic - begun for moment in group]
        if state not in COLOURS:
            continue
        for axis in axes:
            label = None if state in named or axis is not axes[0] else str(state)
            axis.axvspan(span[0], span[-1] + step, color=COLOURS[state], label=label, linewidth=0)
        named.add(state)


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise GateError(f"plots need matplotlib: {install('plot')}") from None
    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot
