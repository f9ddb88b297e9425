"""Pictures of numbers, and the progress bar of a training run."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gate.core.domain import Image
    from gate.training.fit import Epoch, Progress
    from gate.training.stress import Curve

COLUMNS = 8


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """Return (pyplot, figure) that draws without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "smile-gate"}
    from matplotlib import pyplot

    return pyplot, pyplot.figure(figsize=(width, height), layout="constrained")


def _save(pyplot: Any, figure: Any, path: Path) -> None:
    """Write the figure; an SVG without a date, so that equal numbers give an equal file."""
    vector = path.suffix == ".svg"
    figure.savefig(path, dpi=80, metadata={"Date": None} if vector else {"Software": None})
    pyplot.close(figure)


@contextmanager
def watching(console: Any) -> Iterator[Callable[[Progress], None]]:
    """Yield a watcher of `gate.training.fit.Run.go` that shows a bar with the time left."""
    from rich import progress as bars

    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    ) as bar:
        task: bars.TaskID | None = None

        def watch(now: Progress) -> None:
            nonlocal task
            text = f"epoch {len(now.history) + 1}"
            if now.history:
                last = now.history[-1]
                text = (
                    f"epoch {last.epoch}: validation loss {last.validation_loss:.3f}, "
                    f"accuracy {last.validation_accuracy:.3f}, AUC {last.validation_auc:.4f}"
                )
            if task is None:
                task = bar.add_task(text, total=now.total, completed=now.done - 1)
            bar.update(task, completed=now.done, description=text)

        yield watch


def history(epochs: Sequence[Epoch], folder: Path) -> None:
    """Write history.csv and history.png."""
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(asdict(epochs[0])))
        table.writeheader()
        table.writerows(asdict(epoch) for epoch in epochs)
    pyplot, figure = _figure(9, 3.2)
    panels = figure.subplots(1, 3)
    numbers = [epoch.epoch for epoch in epochs]
    for panel, names in zip(
        panels,
        (
            ("loss", "validation_loss"),
            ("validation_accuracy", "validation_auc"),
            ("learning_rate",),
        ),
        strict=True,
    ):
        for name in names:
            panel.plot(numbers, [getattr(epoch, name) for epoch in epochs], label=name)
        panel.set_xlabel("epoch")
        panel.legend(fontsize="small")
    panels[2].set_yscale("log")
    _save(pyplot, figure, folder / "history.png")


def stress(curves: Sequence[Curve], path: Path) -> None:
    """Draw accuracy, false accepts and false rejects over each kind of stress."""
    rows = -(-len(curves) // 3)
    pyplot, figure = _figure(11, 2.8 * rows)
    panels = np.ravel(figure.subplots(rows, 3, sharey=True))
    for panel, curve in zip(panels, curves, strict=False):
        names = [point.level for point in curve.points]
        for what, style in (("accuracy", "o-"), ("false_accept", "v--"), ("false_reject", "^--")):
            values = [getattr(point.report, what).value for point in curve.points]
            panel.plot(names, values, style, label=what.replace("_", " "), markersize=4)
        panel.set_title(curve.name, fontsize="medium")
        panel.tick_params(axis="x", labelsize="small")
        panel.grid(alpha=0.3)
        panel.set_ylim(-0.02, 1.02)
    for panel in panels[len(curves) :]:
        panel.set_axis_off()
    panels[0].legend(fontsize="small")
    _save(pyplot, figure, path)


def trade(sets: Sequence[tuple[str, Any, Any]], threshold: float, path: Path) -> None:
    """Draw false accepts against false rejects for (name, scores, labels) of each set."""
    pyplot, figure = _figure(8, 3.6)
    left, right = figure.subplots(1, 2)
    steps = np.linspace(0.01, 0.99, 99)
    for name, scores, labels in sets:
        accepts = [float(np.mean(scores[labels == 0] >= t)) for t in steps]
        rejects = [float(np.mean(scores[labels == 1] < t)) for t in steps]
        (line,) = left.plot(steps, accepts, label=f"{name}: false accepts")
        left.plot(steps, rejects, "--", color=line.get_color(), label=f"{name}: false rejects")
        right.plot(accepts, rejects, label=name)
        at = int(np.argmin(np.abs(steps - threshold)))
        right.plot(accepts[at], rejects[at], "ko", markersize=5)
    left.axvline(threshold, color="k", linewidth=0.8)
    left.set_xlabel("threshold")
    left.set_ylim(0, 0.4)
    left.legend(fontsize="small")
    right.set_xlabel("false accept rate")
    right.set_ylabel("false reject rate")
    right.set_xlim(0, 0.25)
    right.set_ylim(0, 0.25)
    right.grid(alpha=0.3)
    right.legend(fontsize="small")
    _save(pyplot, figure, path)


def contact_sheet(crops: Sequence[Image], captions: Sequence[str], path: Path) -> None:
    """Draw faces with a caption each; for looking at mistakes, never to be committed."""
    rows = max(1, -(-len(crops) // COLUMNS))
    pyplot, figure = _figure(COLUMNS * 1.2, rows * 1.45)
    panels = np.ravel(figure.subplots(rows, COLUMNS, squeeze=False))
    for panel in panels:
        panel.set_axis_off()
    for panel, crop, caption in zip(panels, crops, captions, strict=False):
        panel.imshow(crop, cmap="gray", vmin=0, vmax=255)
        panel.set_title(caption, fontsize=6)
    _save(pyplot, figure, path)
