"""Tables of a model's card: overexposure, lips, people, and the model that was there before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gate.training import evaluate, metrics, notes
from gate.training.metrics import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gate.training.data import Example
    from gate.training.metrics import Scores
    from gate.vision.classifier import TFLiteClassifier

GLARE = 2.0
"""Factor on each colour, cut off at white, that stands for overexposure."""
FEW = 0.03
"""Share of false accepts at which smiles with closed lips are counted."""
NONE = "–"
"""What stands where there is nothing to count."""


def percent(rate: Rate) -> str:
    """Return a share with its interval, in percent."""
    if not rate.total:
        return NONE
    low, high = rate.interval
    return f"{100 * rate.value:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def number(value: float, digits: int) -> str:
    """Return a number, or that there is none."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}"


def people(told: Mapping[str, Sequence[evaluate.Group]]) -> str:
    """Return false rejects and accepts by what is known of the people, all sets together.

    A group's false rejects are also given against those of all faces of which the trait is known.
    """
    counts: dict[tuple[str, str], list[Rate]] = {}
    for group in (group for groups in told.values() for group in groups):
        found = (group.report.false_reject, group.report.false_accept)
        known = counts.setdefault((group.trait, group.group), [Rate(0, 0)] * 2)
        counts[group.trait, group.group] = [_sum(a, b) for a, b in zip(known, found, strict=True)]
    lines = ["| trait | group | false rejects, % | against the mean | false accepts, % |"]
    lines.append("|" + " --- |" * 5)
    for (trait, name), (rejects, accepts) in sorted(counts.items()):
        whole = Rate(0, 0)
        for (other, _), (some, _) in counts.items():
            whole = _sum(whole, some) if other == trait else whole
        share = f"{rejects.value / whole.value:.2f} ×" if whole.count and rejects.total else ""
        lines.append(f"| {trait} | {name} | {_of(rejects)} | {share} | {_of(accepts)} |")
    return "\n".join(lines)


def _sum(one: Rate, other: Rate) -> Rate:
    return Rate(one.count + other.count, one.total + other.total)


def _of(rate: Rate) -> str:
    return f"{percent(rate)} of {rate.total}" if rate.total else NONE


def in_glare(
    classifier: TFLiteClassifier,
    sets: Mapping[str, Sequence[Example]],
    scores: Mapping[str, Scores],
) -> str:
    """Return accuracy and AUC as they are and twice as bright, of the faces in colour."""
    lines = ["| faces | n | accuracy, % | twice as bright, % | points | AUC | twice as bright |"]
    lines.append("|" + " --- |" * 7)
    threshold = classifier.card.threshold
    for name, faces in sets.items():
        colour = np.array([face.image.ndim == 3 for face in faces])
        if not colour.any():
            continue
        some = [face for face, has in zip(faces, colour, strict=True) if has]
        labels = np.array([face.label for face in some])
        bright = evaluate.score_examples(classifier, [evaluate.in_glare(f, GLARE) for f in some])
        clean = metrics.judge(scores[name][colour], labels, threshold)
        glared = metrics.judge(bright, labels, threshold)
        points = 100 * (glared.accuracy.value - clean.accuracy.value)
        lines.append(
            f"| {name} | {clean.n} | {percent(clean.accuracy)} | {percent(glared.accuracy)} | "
            f"{points:+.1f} | {number(clean.auc, 4)} | {number(glared.auc, 4)} |"
        )
    return "\n".join(lines)


def lips(
    sets: Mapping[str, Sequence[Example]], scores: Mapping[str, Scores], threshold: float
) -> str:
    """Return what is found and falsely accepted by mouth, of the sets whose notes tell it.

    At the threshold, and where `FEW` of the faces that do not smile get through.
    """
    told = [name for name, faces in sets.items() if any(f.cell and f.label for f in faces)]
    faces = [face for name in told for face in sets[name]]
    if not faces:
        return "No set tells what the mouths do."
    all_scores = np.concatenate([scores[name] for name in told])
    labels = np.array([face.label for face in faces])
    cells = np.array([face.cell for face in faces])
    few = float(np.quantile(all_scores[labels == 0], 1 - FEW, method="higher"))
    lines = [
        "| threshold | smiles with closed lips found, % | with an open mouth, % "
        "| false accepts with closed lips, % | with an open mouth, % |",
        "|" + " --- |" * 5,
    ]
    for name, limit in ((f"{threshold:g}", threshold), (f"{few:.2f} ({100 * FEW:g} %)", few)):
        cells_of = [
            _of(_accepted(all_scores, (labels == label) & (cells == cell), limit))
            for label in (1, 0)
            for cell in (notes.MOUTH_CLOSED, notes.MOUTH_OPEN)
        ]
        lines.append(f"| {name} | " + " | ".join(cells_of) + " |")
    return "\n".join(lines)


def against(
    sets: Mapping[str, Sequence[Example]],
    scores: tuple[Mapping[str, Scores], Mapping[str, Scores]],
    thresholds: tuple[float, float],
) -> str:
    """Return AUC with its interval, false accepts and rejects of two models on the same faces."""
    lines = [
        "| faces | n | AUC before | AUC now | accepts / rejects before, % | now, % |",
        "|" + " --- |" * 6,
    ]
    for name, faces in sets.items():
        labels = np.array([face.label for face in faces])
        areas, trades = [], []
        for own, limit in zip(scores, thresholds, strict=True):
            report = metrics.judge(own[name], labels, limit)
            low, high = metrics.auc_interval(own[name], labels)
            areas.append(NONE if math.isnan(low) else f"{report.auc:.4f} ({low:.4f}–{high:.4f})")
            mistakes = (report.false_accept.value, report.false_reject.value)
            trades.append(" / ".join(number(100 * share, 1) for share in mistakes))
        lines.append(f"| {name} | {len(faces)} | " + " | ".join((*areas, *trades)) + " |")
    return "\n".join(lines)


def _accepted(scores: Scores, which: NDArray[np.bool_], threshold: float) -> Rate:
    return Rate(int(np.sum(scores[which] >= threshold)), int(np.sum(which)))
