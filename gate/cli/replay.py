"""``smile-gate replay``: what would the gate have done with this clip?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from gate.cli.common import FILE, config_option, example, json_option, say_json, settings
from gate.core.describe import describe
from gate.hardware.picture_files import VideoFile
from gate.replay.replay import Replay
from gate.replay.trace import Trace, TraceEvent, TraceFrame


@example("smile-gate replay queue.mp4 --config gate.yaml --plot timeline.png")
@click.command("replay")
@click.argument("clip", type=FILE)
@config_option
@click.option("--database", type=FILE, help="Keep the audit log in this file.")
@json_option
@click.option("--annotate", type=FILE, help="Write the clip with what was seen drawn in (.mp4).")
@click.option("--plot", type=FILE, help="Draw score, eyes, count, relay and state over time (PNG).")
def command(
    clip: Path,
    config: Path | None,
    database: Path | None,
    as_json: bool,
    annotate: Path | None,
    plot: Path | None,
) -> None:
    """Run the real pipeline and machine over CLIP, a video file or a folder of pictures.

    The clip's own clock counts; no pin moves, and the audit log is thrown away unless a database
    is named.
    """
    say = _say_json if as_json else _say_line
    with closing(Replay(clip, settings(config), database=database, on_event=say)) as replay:
        frames: Iterable[Any] = replay.frames()
        if annotate is not None:
            frames = _annotated(replay, annotate)
        if as_json:
            _exhaust(frames)
        else:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                _exhaust(progress.track(frames, total=replay.count, description="frames"))
    if as_json:
        say_json({"summary": summary(replay.told)})
    else:
        _print_summary(replay.told)
    if plot is not None:
        from gate.replay.timeline import timeline

        timeline(replay.told, plot, title=clip.name)
        if not as_json:
            click.echo(f"timeline: {plot}")


def _annotated(replay: Replay, path: Path) -> Iterator[Any]:
    """Pass the frames on, and write each with what was seen in it."""
    from gate.replay.overlay import draw

    rules = replay.told.rules
    with closing(VideoFile(path, replay.told.fps)) as video:
        for image, moment in replay.frames():
            caption = f"{moment.state} {moment.count}/{rules.frames}"
            upright = replay.mounting.upright(image)
            video.write(
                draw(upright, moment.observation, threshold=rules.threshold, caption=caption)
            )
            yield image, moment


def summary(told: Trace) -> dict[str, Any]:
    """The totals of a replay: frames, grants, denials, milliseconds a frame, notes on the clip."""
    return {
        "frames": len(told.moments),
        "grants": told.grants,
        "denials": {str(reason): number for reason, number in told.denials.items()},
        "ms_per_frame": _milliseconds(told.moments),
        "notes": told.notes,
    }


def _milliseconds(moments: list[TraceFrame]) -> dict[str, float]:
    times = np.array([moment.work_s for moment in moments] or [0.0]) * 1000
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "mean": round(float(times.mean()), 3),
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
    }


def _exhaust(frames: Iterable[Any]) -> None:
    for _ in frames:
        pass


def _say_json(happening: TraceEvent) -> None:
    event = happening.event
    facts = {
        "event": event.kind,
        "frame": happening.frame,
        "t": round(event.monotonic, 3),
        "visit": event.visit,
        "reason": event.reason,
        "score": None if event.score is None else round(event.score, 4),
        "frames": event.frames,
        "before": event.before,
        "after": event.after,
    }
    say_json(facts)


def _say_line(happening: TraceEvent) -> None:
    event = happening.event
    click.echo(f"{event.monotonic:8.2f} s  frame {happening.frame:5d}  {describe(event)}")


def _print_summary(told: Trace) -> None:
    for note in told.notes:
        click.echo(f"note: {note}")
    facts = summary(told)
    times = facts["ms_per_frame"]
    denials = ", ".join(f"{number} {reason}" for reason, number in facts["denials"].items())
    click.echo(
        f"{facts['frames']} frames, {facts['grants']} granted,"
        f" {sum(facts['denials'].values())} refused{f' ({denials})' if denials else ''};"
        f" {times['mean']:.1f} ms a frame (p50 {times['p50']:.1f}, p99 {times['p99']:.1f})"
    )
