"""``smile-gate bench``: what a frame costs here, beside what it would cost otherwise."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gate import bench, bench_scenes
from gate.cli import common
from gate.cli.common import FILE, config_option, example, json_option, say_json, settings


@example("smile-gate bench --clip queue.mp4")
@click.command("bench")
@click.option("--clip", type=FILE, help="Measure this clip, fitted into 640×480, not the scenes.")
@click.option(
    "--facemesh",
    metavar="PYTHON",
    help="A Python that has mediapipe (tests/benchmarks/facemesh.sh makes one).",
)
@click.option("--memory", is_flag=True, help="Also measure peak memory, in processes of their own.")
@config_option
@json_option
def command(
    clip: Path | None, facemesh: str | None, memory: bool, config: Path | None, as_json: bool
) -> None:
    """Measure the CPU time of a frame, in parts and beside the naive loop, on one thread.

    The naive loop is Haar over the whole frame and then in the face. All contenders see the same
    frames in turns; compare ratios, not milliseconds, between machines. The scenes are rendered
    from scikit-image's photo of an astronaut (smile-gate[demo]).
    """
    chosen = settings(config)
    names = [clip.name] if clip else list(bench_scenes.SCENES)
    rows = []
    for name in names:
        frames = bench_scenes.clip(clip) if clip else bench_scenes.render(name)
        costs = bench.compare({"gate": bench.pipeline(chosen), "naive": bench.naive()}, frames)
        row: dict[str, Any] = {key: asdict(cost) for key, cost in costs.items()}
        row |= {"scene": name, "parts": bench.stages(frames)}
        row["ratio"] = costs["naive"].mean / costs["gate"].mean
        if facemesh:
            row["facemesh"] = bench.facemesh(facemesh, frames)
        if memory:
            row["peak_mb"] = {kind: bench.peak_memory(kind, frames) for kind in ("gate", "naive")}
        rows.append(row)
        if as_json:
            say_json(row)
    if not as_json:
        common.console().print(_table(rows))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "scene", "gate ms", "face + smile + eyes + rest", "p99", "naive ms", "ratio",
        "pixels (naive)", "found", "FaceMesh ms", "peak MB",
    )  # fmt: skip
    for row in rows:
        gate, naive, parts = row["gate"], row["naive"], row["parts"]
        mesh, peak = row.get("facemesh"), row.get("peak_mb")
        memory = [f"{peak['gate']:.0f} ({peak['naive']:.0f})"] if peak else []
        table.add_row(
            row["scene"],
            f"{gate['mean']:.2f}",
            " + ".join(f"{parts[name]:.2f}" for name in ("face", "smile", "eyes", "rest")),
            f"{gate['p99']:.1f}",
            f"{naive['mean']:.1f}",
            f"{row['ratio']:.0f}×",
            f"{gate['pixels']:,.0f} ({naive['pixels']:,.0f})",
            f"{100 * gate['found']:.0f} %",
            f"{mesh['mean']:.2f} ({mesh['peak_mb']:.0f} MB)" if mesh else "–",
            *(memory or ["–"]),
        )
    return table
