"""The measured parts of MODEL_CARD.md: tables and plots between markers, prose left alone.

A part starts with ``<!-- measured: NAME -->`` and ends with ``<!-- end -->``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from gate.errors import ModelError
from gate.system import durable
from gate.training import card_tables, evaluate, metrics, plots, stress
from gate.training.card_tables import number, percent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from gate.training.data import Example
    from gate.training.metrics import Evaluation, Labels, Scores
    from gate.vision.classifier import TFLiteClassifier

WORST_GROUPS = 3


def replace_part(card: Path, name: str, text: str) -> None:
    """Put ``text`` between the markers of a part; raise `ModelError` if the card lacks them."""
    try:
        content = card.read_text(encoding="utf-8")
    except OSError:
        raise ModelError(f"{card}: no model card that can be read") from None
    pattern = re.compile(rf"(<!-- measured: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(content):
        raise ModelError(f"{card}: has no part <!-- measured: {name} --> … <!-- end -->")
    body = text.strip() + "\n"
    durable.write(card, pattern.sub(lambda m: m[1] + body + m[2], content).encode())


def row(name: str, report: Evaluation) -> str:
    """Return a report as a row of a Markdown table."""
    cells = (
        name,
        str(report.n),
        percent(report.accuracy),
        number(100 * report.balanced_accuracy, 1),
        number(report.auc, 4),
        percent(report.false_accept),
        percent(report.false_reject),
        f"{report.calibration_error:.3f}",
    )
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| faces | n | accuracy, % | balanced, % | AUC | false accepts, % | false rejects, % "
    "| calibration error |\n|" + " --- |" * 8 + "\n"
)


def write(
    card: Path,
    classifier: TFLiteClassifier,
    sets: Mapping[str, Sequence[Example]],
    folders: Mapping[str, Path],
    stressed: Collection[str] = (),
    before: TFLiteClassifier | None = None,
) -> None:
    """Measure the model on the sets of kept-out faces and fill in the card beside it.

    ``folders`` are those of the sets, for their notes; ``stressed`` names the sets whose stress
    curves are drawn, all of them where it is empty. ``before`` is the model to compare it with.
    """
    threshold = classifier.card.threshold
    scores = {name: evaluate.score_examples(classifier, faces) for name, faces in sets.items()}
    labels = {name: np.array([e.label for e in faces]) for name, faces in sets.items()}
    rows = [
        row(f"{name}, threshold {limit:g}", metrics.judge(scores[name], labels[name], limit))
        for limit in (threshold, 0.5)
        for name in sets
    ]
    about = (
        f"`{classifier.card.name}`, {classifier.size[0]}×{classifier.size[1]}, "
        f"{evaluate.milliseconds(classifier):.3f} ms a face (normalisation included, one thread "
        "of the machine that wrote this). Wilson 95 % intervals in brackets.\n\n"
    )
    replace_part(card, "metrics", about + HEAD + "\n".join(rows))
    traded = [(n, scores[n], labels[n]) for n in sets if set(labels[n]) == {0, 1}]
    plots.trade(traded, threshold, card.parent / "trade.svg")
    replace_part(
        card,
        "trade",
        "![False accepts against false rejects](trade.svg)\n\n" + _trade(traded),
    )
    replace_part(card, "glare", card_tables.in_glare(classifier, sets, scores))
    replace_part(card, "lips", card_tables.lips(sets, scores, threshold))
    if before is not None:
        earlier = {name: evaluate.score_examples(before, faces) for name, faces in sets.items()}
        limits = (before.card.threshold, threshold)
        replace_part(card, "before", card_tables.against(sets, (earlier, scores), limits))
    lines, pictures = [], []
    for name, faces in sets.items():
        if stressed and name not in stressed:
            continue
        curves = stress.curves(classifier, faces, threshold)
        plots.stress(curves, card.parent / f"stress-{name}.svg")
        pictures.append(f"![Stress curves on {name}](stress-{name}.svg)")
        clean = metrics.judge(scores[name], labels[name], threshold).accuracy.value
        lines += [
            f"| {name} | {curve.name} | {point.level}{' (mild)' if point.mild else ''} | "
            f"{100 * point.report.accuracy.value:.1f} | "
            f"{100 * (point.report.accuracy.value - clean):+.1f} | "
            f"{percent(point.report.false_accept)} | "
            + ("mouth hidden" if point.hides_mouth else percent(point.report.false_reject))
            + " |"
            for curve in curves
            for point in curve.points
        ]
        worst, value = stress.worst_mild(curves)
        lines.append(
            f"| **{name}** | **worst mild** | {worst} | {100 * value:.1f} | "
            f"{100 * (value - clean):+.1f} | | |"
        )
    head = (
        "| faces | stress | level | accuracy, % | against clean, points | false accepts, % "
        "| false rejects, % |\n|" + " --- |" * 7 + "\n"
    )
    replace_part(card, "stress", "\n\n".join(pictures) + "\n\n" + head + "\n".join(lines))
    parts = []
    for name, faces in sets.items():
        groups = evaluate.by_trait(faces, scores[name], threshold)
        groups.sort(key=lambda group: group.report.accuracy.value)
        parts += [row(f"{name}: {g.trait} {g.group}", g.report) for g in groups[:WORST_GROUPS]]
    replace_part(card, "groups", HEAD + "\n".join(parts))
    told = {
        name: evaluate.by_note(folders[name], faces, scores[name], threshold)
        for name, faces in sets.items()
    }
    replace_part(card, "people", card_tables.people(told))


def _trade(sets: Sequence[tuple[str, Scores, Labels]]) -> str:
    lines = [
        "| threshold | "
        + " | ".join(f"{n}: false accepts / rejects, %" for n, _, _ in sets)
        + " |",
        "|" + " --- |" * (len(sets) + 1),
    ]
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        cells = []
        for _, scores, labels in sets:
            report = metrics.judge(scores, labels, threshold)
            cells.append(
                f"{100 * report.false_accept.value:.1f} / {100 * report.false_reject.value:.1f}"
            )
        lines.append(f"| {threshold:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
