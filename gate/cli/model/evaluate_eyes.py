"""How an eye model judges kept-out eyes, as ``smile-gate model evaluate --eyes`` prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gate.training.metrics import Rate


def evaluate_eyes(
    folder: Path,
    shown: str,
    model: Path | None,
    lists: tuple[Path, ...],
    kept_out_share: float,
    *,
    as_json: bool,
) -> None:
    """Print the verdicts on the eyes of a folder; raises `GateError`."""
    from gate.system import resources
    from gate.training import data
    from gate.training import eye_evaluation as evaluation
    from gate.vision.classifier import EYES, TFLiteClassifier

    listed = frozenset[str]().union(*(data.read_list(path) for path in lists))
    with TFLiteClassifier(model or resources.path(EYES)) as classifier:
        found = evaluation.judged(
            folder, evaluation.Shown(shown), classifier, kept_out_share, listed
        )
    for verdicts in found:
        if as_json:
            opened, closed = verdicts.opened, verdicts.closed
            said = {
                "way": verdicts.way,
                "open": opened.total,
                "open_judged_open": opened.count,
                "closed": closed.total,
                "closed_judged_open": closed.count,
            }
            click.echo(json.dumps(said))
        else:
            click.echo(
                f"{verdicts.way}: open judged open {_percent(verdicts.opened)}, closed judged open"
                f" {_percent(verdicts.closed)}; AUC {verdicts.auc:.4f}"
            )


def _percent(rate: Rate) -> str:
    if not rate.total:
        return "(none)"
    low, high = rate.interval
    share = f"{100 * rate.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
    return f"{rate.count} of {rate.total}, {share}"
