"""``smile-gate model evaluate``: how good a model is on labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli.common import example
from gate.cli.model import options
from gate.cli.model.evaluate_eyes import evaluate_eyes

if TYPE_CHECKING:
    from rich.console import Console

    from gate.training.evaluate import Group
    from gate.training.metrics import Evaluation, Rate
    from gate.training.stress import Curve

WORST_SHOWN = 48


@example(
    "smile-gate model evaluate faces/ --crops haar"
    "\n  smile-gate model evaluate smiles/ --crops tight --kept-out smiles-test.txt --stress --json"
    "\n  smile-gate model evaluate eyes/ --eyes single --kept-out-share 0.2"
)
@click.command("evaluate")
@click.argument("folder", type=options.FOLDER)
@click.option(
    "--model",
    type=options.FILE,
    help="TFLite file with its card beside it; the shipped model by default.",
)
@options.crops
@click.option(
    "--kept-out",
    "lists",
    type=options.FILE,
    multiple=True,
    help="Judge only the CLASS/FILE names in this list.",
)
@click.option(
    "--kept-out-share",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="Judge only the share that training keeps out by its rule on the file name (0.2).",
)
@click.option("--threshold", type=click.FloatRange(0.0, 1.0), help="Instead of the card's.")
@click.option("--stress", is_flag=True, help="Repeat it in bad light, far away, occluded, ….")
@click.option(
    "--stress-plot",
    type=options.FILE,
    default=Path("stress.png"),
    show_default=True,
    help="Where --stress draws its curves.",
)
@click.option(
    "--errors",
    type=options.FILE,
    help="Draw the worst mistakes into this PNG (real faces: don't publish it).",
)
@click.option(
    "--groups",
    "groups_file",
    type=options.FILE,
    help="CSV with columns file,group: the error for each of your groups.",
)
@click.option(
    "--by-trait",
    is_flag=True,
    help="The error by luminance, contrast, sharpness and size, and by what labels.csv says.",
)
@click.option(
    "--eyes",
    type=click.Choice(["single", "faces", "narrow"]),
    help="Judge the eye model: on single eyes, on faces, or on a set's smiles with narrow eyes.",
)
@click.option("--glare", type=click.FloatRange(1.0), help="Brighten so, each colour cut off.")
@click.option(
    "--recheck",
    is_flag=True,
    help="Leave out finds of the face cascade that two other cascades don't see.",
)
@click.option(
    "--framings",
    type=click.Choice(["several", "one"]),
    default="several",
    show_default=True,
    help="several: as classify judges a still; one: as the gate judges a single live frame, and"
    " as --stress does.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(
    folder: Path,
    model: Path | None,
    crops: str,
    lists: tuple[Path, ...],
    kept_out_share: float,
    threshold: float | None,
    stress: bool,
    stress_plot: Path,
    errors: Path | None,
    groups_file: Path | None,
    by_trait: bool,
    eyes: str | None,
    glare: float | None,
    recheck: bool,
    framings: str,
    as_json: bool,
) -> None:
    """Judge a model on FOLDER/smiling and FOLDER/not_smiling, or the eye model with --eyes.

    With --eyes only --model, --kept-out, --kept-out-share and --json count.
    """
    if eyes is not None:
        evaluate_eyes(folder, eyes, model, lists, kept_out_share, as_json=as_json)
        return
    import numpy as np
    from rich.console import Console

    from gate.training import data, evaluate, metrics
    from gate.vision.classifier import TFLiteClassifier

    console = Console(stderr=as_json)
    keys = [key for key, _, _ in data.pictures(folder)]
    listed = frozenset[str]().union(*(data.read_list(path) for path in lists))
    only = data.out_of_training(keys, listed, kept_out_share)
    groups = evaluate.read_groups(groups_file) if groups_file else None
    with TFLiteClassifier(model) as classifier:
        reading = data.read(folder, data.Crops(crops), only, recheck=recheck)
        examples = [e for e in reading.examples if e.key not in reading.doubtful]
        if glare is not None:
            examples = [evaluate.in_glare(example, glare) for example in examples]
        judge = evaluate.score_examples if framings == "one" else evaluate.score_stills
        scores = judge(classifier, examples)
        labels = np.array([example.label for example in examples])
        limit = classifier.card.threshold if threshold is None else threshold
        report = metrics.judge(scores, labels, limit)
        result: dict[str, Any] = {
            **report.as_dict(),
            "no_face": len(reading.no_face) + len(reading.doubtful),
            "unreadable": len(reading.unreadable),
            "crops": str(reading.crops),
            "model": classifier.card.name,
        }
        tables: list[Group] = []
        if by_trait:
            tables += evaluate.by_trait(examples, scores, limit)
            tables += evaluate.by_note(folder, examples, scores, limit)
        if groups is not None:
            tables += evaluate.by_label(examples, scores, limit, groups)
        if tables:
            result["groups"] = [
                {"trait": g.trait, "group": g.group, **g.report.as_dict()} for g in tables
            ]
        curves: list[Curve] = []
        if stress:
            from gate.training import plots
            from gate.training import stress as stressing

            with console.status("stress") as status:
                curves = stressing.curves(classifier, examples, limit, status.update)
            plots.stress(curves, stress_plot)
            result["stress"] = {
                curve.name: [
                    {"level": p.level, "mild": p.mild, **p.report.as_dict()} for p in curve.points
                ]
                for curve in curves
            }
        if errors is not None:
            from gate.training import crop_geometry, plots

            wrong = evaluate.worst(examples, scores, WORST_SHOWN)
            plots.contact_sheet(
                [crop_geometry.as_gray(example.image) for example, _ in wrong],
                [f"{example.key[:16]} {value:.2f}" for example, value in wrong],
                errors,
            )
    if as_json:
        click.echo(json.dumps(result))
        return
    _show(console, report, result)
    if tables:
        _show_groups(console, tables)
    for curve in curves:
        _show_curve(console, curve)


def _percent(rate: Rate) -> str:
    if not rate.total:
        return "–"
    low, high = rate.interval
    return f"{100 * rate.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _show(console: Console, report: Evaluation, result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("", f"{result['model']}, faces cut as {result['crops']}", title="Wilson 95 %")
    table.add_row("faces", str(report.n))
    table.add_row("without a face, unreadable", f"{result['no_face']}, {result['unreadable']}")
    table.add_row("accuracy", _percent(report.accuracy))
    table.add_row("balanced accuracy", f"{100 * report.balanced_accuracy:.1f} %")
    table.add_row("AUC", f"{report.auc:.4f}")
    table.add_row("false accepts, of not smiling", _percent(report.false_accept))
    table.add_row("false rejects, of smiling", _percent(report.false_reject))
    table.add_row("calibration error", f"{report.calibration_error:.3f}")
    table.add_row("threshold", f"{report.threshold:g}")
    console.print(table)


def _show_groups(console: Console, groups: list[Group]) -> None:
    from rich.table import Table

    table = Table("trait", "group", "faces", "accuracy", "false accepts", "false rejects")
    for group in groups:
        report = group.report
        table.add_row(
            group.trait,
            group.group,
            str(report.n),
            _percent(report.accuracy),
            _percent(report.false_accept),
            _percent(report.false_reject),
        )
    console.print(table)
    worst = min(groups, key=lambda group: group.report.accuracy.value)
    console.print(f"worst: {worst.trait} {worst.group}")


def _show_curve(console: Console, curve: Curve) -> None:
    from rich.table import Table

    table = Table(curve.name, "accuracy", "false accepts", "false rejects")
    for point in curve.points:
        report = point.report
        table.add_row(
            point.level + (" (mild)" if point.mild else ""),
            _percent(report.accuracy),
            _percent(report.false_accept),
            "mouth hidden" if point.hides_mouth else _percent(report.false_reject),
        )
    console.print(table)
