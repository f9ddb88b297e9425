"""A picture of the statistics."""

from __future__ import annotations

import io
from pathlib import Path

from gate.audit.stats import Statistics
from gate.errors import StoreError
from gate.system import durable, extras

_LABELS = 24
"""More labels than this can't be read."""


def draw(result: Statistics, target: Path) -> None:
    """Bars for grants and denials, a line for the median time to smile, as PNG.

    Raises StoreError.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise StoreError(f"a plot needs {extras.missing('matplotlib', error)}") from error
    places = range(len(result.parts))
    figure = Figure(figsize=(10, 5), layout="constrained")
    counts, waits = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    grants = [part.grants for part in result.parts]
    counts.bar(places, grants, label="grants", color="#2a7f4f")
    counts.bar(
        places,
        [part.denials for part in result.parts],
        bottom=grants,
        label="denials",
        color="#d9a441",
    )
    counts.set_ylabel("visits")
    counts.legend()
    medians = [part.median_wait or float("nan") for part in result.parts]
    waits.plot(places, medians, marker=".", color="#33506b")
    waits.set_ylabel("time to smile, s")
    step = max(1, -(-len(result.parts) // _LABELS))
    waits.set_xticks(
        places[::step],
        [part.label for part in result.parts][::step],
        rotation=45,
        ha="right",
    )
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=120)
    try:
        durable.write(target, drawn.getvalue())
    except OSError as error:
        raise StoreError(f"plot {target}: {error.strerror}; choose another place") from error
