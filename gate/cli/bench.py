"""``smile-gate bench``: the cost of a frame on this board, and whether it keeps up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from gate import __version__
from gate.cli import common
from gate.cli.common import FILE, config_option, example, json_option, say_json, settings
from gate.config import Config
from gate.replay.bench import costs, scenes
from gate.replay.bench.reference import Figure, Pace, append, latest, load, machine, pace

if TYPE_CHECKING:
    from gate.core.domain import Image

WORDS = {
    Pace.KEEPS_UP: "This machine keeps up with",
    Pace.BARELY: "Only on average does this machine keep up with",
    Pace.TOO_SLOW: "This machine does NOT keep up with",
}
PEAK_SCENE = "guest at the gate"
LARGER = "guest, 1280×720"
"""Measured for comparison; whether a board keeps up is judged by the settings' own size."""


@example("smile-gate bench --config /etc/smile-gate/gate.yaml --save my-board.csv")
@click.command("bench")
@click.option(
    "--clip", type=FILE, help="Measure this clip, fitted into 640×480, instead of the scenes."
)
@click.option(
    "--facemesh",
    metavar="PYTHON",
    help="A Python that has mediapipe (tests/benchmarks/facemesh.sh makes one).",
)
@click.option(
    "--memory", is_flag=True, help="Measure the peak memory of each scene, and of the naive loop."
)
@click.option("--save", type=FILE, help="Append this machine's figures to a CSV file.")
@config_option
@json_option
def command(
    clip: Path | None,
    facemesh: str | None,
    memory: bool,
    save: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Measure the CPU time of a frame, in parts and beside the naive loop, on one thread.

    The naive loop is Haar over the whole frame and then in the face. All contenders see the same
    frames in turns; compare ratios, not milliseconds, between machines. The scenes are rendered,
    those of 640×480 in the size that the settings ask the camera for.

    Exit codes: 0 this machine keeps up with camera.fps, at least on average, 1 it does not, or the
    measurement failed, 2 the settings have mistakes, or the command line.
    """
    chosen = settings(config)
    if save is not None and save.exists():
        load(save)  # before the minutes that a measurement takes
    rows = []
    for name, frames in _told(clip, chosen, quiet=as_json):
        by_name = costs.compare({"gate": costs.pipeline(chosen), "naive": costs.naive()}, frames)
        row: dict[str, Any] = {key: asdict(cost) for key, cost in by_name.items()}
        row |= {"scene": name, "parts": costs.stages(frames)}
        row["ratio"] = by_name["naive"].mean / by_name["gate"].mean
        row["fps"] = 1000 / by_name["gate"].mean
        if facemesh:
            row["facemesh"] = costs.facemesh(facemesh, frames)
        if memory:
            row["peak_mb"] = {kind: costs.peak_memory(kind, frames) for kind in ("gate", "naive")}
        elif clip or name.startswith(PEAK_SCENE):
            row["peak_mb"] = {"gate": costs.peak_memory("gate", frames)}
        rows.append(row)
        if as_json:
            say_json(row)
    judged = [row for row in rows if not row["scene"].startswith(LARGER)] or rows
    worst = max(judged, key=lambda row: float(row["gate"]["p99"]))
    found = pace(worst["gate"]["mean"], worst["gate"]["p99"], chosen.camera.fps)
    if save is not None:
        append(save, _figures(rows))
    if as_json:
        say_json({"machine": machine(), "fps_wanted": chosen.camera.fps, "pace": found})
    else:
        _say(rows, worst, found, chosen.camera.fps)
    raise SystemExit(1 if found is Pace.TOO_SLOW else 0)


def _told(
    clip: Path | None, config: Config, *, quiet: bool
) -> Iterator[tuple[str, Sequence[Image]]]:
    """Names and frames of the scenes to measure; what is measured now is said on the way."""
    total = len(scenes.SCENES) if clip is None else 1
    begun = time.monotonic()
    for number, (name, frames) in enumerate(_scenes(clip, config)):
        if not quiet:
            took = time.monotonic() - begun
            left = f", about {took / number * (total - number):.0f} s more" if number else ""
            click.echo(f"measuring {number + 1} of {total}: {name}{left}", err=True)
        yield name, frames


def _scenes(clip: Path | None, config: Config) -> Iterator[tuple[str, Sequence[Image]]]:
    """Names and frames of the scenes to measure."""
    if clip is not None:
        yield clip.name, scenes.clip(clip)
        return
    asked = (config.camera.width, config.camera.height)
    for name, (size, _) in scenes.SCENES.items():
        if size == (640, 480) and asked != size:
            yield f"{name}, {asked[0]}×{asked[1]}", scenes.render(name, asked)
        else:
            yield name, scenes.render(name)


def _say(rows: list[dict[str, Any]], worst: dict[str, Any], found: Pace, fps: float) -> None:
    out = common.console()
    out.print(_table(rows))
    figures = load()
    beside = _beside(rows, figures)
    if beside.row_count:
        out.print(beside)
    if not any(figure.machine.startswith("Raspberry Pi") for figure in figures):
        out.print(
            "No Raspberry Pi was measured yet: `smile-gate bench --save my-board.csv` on one,"
            " and send the file."
        )
    peak = max(row["peak_mb"]["gate"] for row in rows if "peak_mb" in row)
    cost = worst["gate"]
    out.print(
        f"{WORDS[found]} camera.fps {fps:g}, {1000 / fps:.0f} ms a frame: in the worst scene"
        f" ('{worst['scene']}') a frame takes {cost['mean']:.1f} ms of one core,"
        f" 99 of 100 at most {cost['p99']:.1f} ms. Peak memory {peak:.0f} MB."
    )
    if found is not Pace.KEEPS_UP:
        out.print("Lower camera.fps, or camera.width and camera.height; narrow face.region.")


def _figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """The rows as they are kept."""
    name, today = machine(), f"{datetime.now(UTC):%Y-%m-%d}"
    figures = []
    for row in rows:
        values = {stage: (value, "ms") for stage, value in row["parts"].items()}
        values |= {
            "whole": (row["gate"]["mean"], "ms"),
            "p99": (row["gate"]["p99"], "ms"),
            "naive": (row["naive"]["mean"], "ms"),
        }
        if "peak_mb" in row:
            values["peak"] = (row["peak_mb"]["gate"], "MB")
        figures += [
            Figure(name, today, __version__, row["scene"], stage, round(value, 3), unit)
            for stage, (value, unit) in values.items()
        ]
    return figures


def _beside(rows: list[dict[str, Any]], figures: list[Figure]) -> Table:
    """Each scene here and on the machines that were measured before, ms a frame."""
    table = Table("scene", "machine", "ms", "p99", title="beside what was measured elsewhere")
    for row in rows:
        late = latest(figures, row["scene"], "p99")
        before = latest(figures, row["scene"], "whole")
        if before:
            cost = row["gate"]
            table.add_row(row["scene"], "here", f"{cost['mean']:.2f}", f"{cost['p99']:.1f}")
        for name, whole in before.items():
            table.add_row(
                "", f"{name}, {whole.date}", f"{whole.value:.2f}", f"{late[name].value:.1f}"
            )
    return table


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "scene", "gate ms", "face + smile + eyes + rest", "p99", "fps", "naive ms", "ratio",
        "pixels (naive)", "found",
    )  # fmt: skip
    more = [name for name in ("facemesh", "peak_mb") if any(name in row for row in rows)]
    for name in more:
        table.add_column({"facemesh": "FaceMesh ms", "peak_mb": "peak MB"}[name])
    for row in rows:
        gate, naive, parts = row["gate"], row["naive"], row["parts"]
        table.add_row(
            row["scene"],
            f"{gate['mean']:.2f}",
            " + ".join(f"{parts[name]:.2f}" for name in ("face", "smile", "eyes", "rest")),
            f"{gate['p99']:.1f}",
            f"{row['fps']:.0f}",
            f"{naive['mean']:.1f}",
            f"{row['ratio']:.0f}×",
            f"{gate['pixels']:,.0f} ({naive['pixels']:,.0f})",
            f"{100 * gate['found']:.0f} %",
            *(_extra(name, row) for name in more),
        )
    return table


def _extra(name: str, row: dict[str, Any]) -> str:
    """A cell of a column that not every row fills."""
    found = row.get(name)
    if found is None:
        return "–"
    if name == "facemesh":
        return f"{found['mean']:.2f} ({found['peak_mb']:.0f} MB)"
    naive = f" ({found['naive']:.0f})" if "naive" in found else ""
    return f"{found['gate']:.0f}{naive}"
