"""``smile-gate model export``: a trained model as a TFLite file that the gate can load."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import example
from gate.cli.model import options

HELD_OUT = 400
"""Faces on which float and int8 are compared, and int8's ranges are measured."""


@example("smile-gate model export --run runs/first --out models/mine.tflite")
@click.command("export")
@click.option(
    "--run",
    "folder",
    type=options.FOLDER,
    required=True,
    help="Folder that smile-gate model train wrote.",
)
@click.option(
    "--out",
    type=options.FILE,
    required=True,
    help="The .tflite file to write; beside it its card NAME.json, and NAME.npz for train --start.",
)
@click.option(
    "--precision",
    type=click.Choice(["float", "int8"]),
    default="float",
    show_default=True,
    help="Which one goes to --out; the other goes beside it with its precision in the name.",
)
@click.option(
    "--false-accepts",
    type=click.FloatRange(0.0, 0.5),
    default=0.06,
    show_default=True,
    help="Share of not smiling validation faces that may get through: sets the threshold.",
)
@click.option(
    "--card",
    type=options.FILE,
    help="MODEL_CARD.md whose table of both files is replaced.",
)
@click.option(
    "--last", is_flag=True, help="Take the last epoch's model, not that of the lowest loss."
)
def command(
    folder: Path, out: Path, precision: str, false_accepts: float, card: Path | None, last: bool
) -> None:
    """Convert a run's best model to float and int8, calibrate it, choose its threshold.

    The validation faces of the run are read again from its --data folders: the temperature, the
    threshold and the check that both files give the same verdict are measured on them.
    """
    from gate.errors import GateError
    from gate.training import batches, evaluate, export, metrics, model_card, run_record
    from gate.vision.classifier import TFLiteClassifier

    if out.suffix != ".tflite":
        raise GateError(f"{out}: name the file something.tflite")
    source = run_record.load(folder)
    model = export.load(folder / ("last.keras" if last else "best.keras"))
    weights_before = model.get_weights()
    training, validation = source.examples()
    labels = run_record.labels(validation)
    crops = batches.normalised(validation, source.plan, model)
    raw = batches.predicted(model, crops)
    weights = batches.class_weights(validation)
    temperature, shift = metrics.fit_temperature(raw, labels, weights)
    export.with_temperature(model, temperature, shift)
    threshold = metrics.threshold_for(
        batches.predicted(model, crops), labels, false_accepts, weights
    )
    measured = metrics.enough_for(labels, false_accepts)
    if not measured:
        threshold = max(threshold, export.USUAL_THRESHOLD)
    recipe = export.Recipe(
        source.plan.arch, source.plan.framing, source.plan.normalisation, threshold
    )
    samples = batches.normalised(
        [training[i] for i in export.spread_sample(len(training), HELD_OUT)], source.plan, model
    )
    scores, rows = {}, []
    for kind in export.Precision:
        path = out if kind == precision else out.with_name(f"{out.stem}-{kind}.tflite")
        content = export.convert(model, kind, samples)
        more = {
            "precision": str(kind),
            "run": source.about,
            "calibration": {"temperature": round(temperature, 4), "shift": round(shift, 4)},
        }
        export.write(content, path, recipe, more)
        with TFLiteClassifier(path) as classifier:
            scores[kind] = evaluate.score_examples(classifier, validation)
            report = metrics.judge(scores[kind], labels, threshold)
            size, time = len(content) / 1000, evaluate.milliseconds(classifier)
            accuracy = report.accuracy.value
            click.echo(
                f"{path}: {size:.0f} kB, {time:.3f} ms a face on one thread here, accuracy "
                f"{accuracy:.4f}, AUC {report.auc:.4f} on {report.n} validation faces"
            )
            rows.append(
                f"| {kind}{' (shipped)' if kind == precision else ''} | {size:.0f} | {time:.3f} | "
                f"{100 * accuracy:.2f} | {report.auc:.4f} |"
            )
    export.write_weights(weights_before, source.plan.arch, out.with_suffix(".npz"))
    differ, gap = export.differences(
        scores[export.Precision.FLOAT], scores[export.Precision.INT8], threshold
    )
    verdicts = (
        f"float and int8 give another verdict on {differ} of {len(labels)} faces "
        f"({100 * differ / len(labels):.2f} %), largest gap {gap:.3f}; threshold {threshold:g} "
        + (f"for {100 * false_accepts:g} % false accepts" if measured else "is a guess")
    )
    click.echo(verdicts)
    if not measured:
        few = int((labels == 0).sum())
        click.echo(
            f"the threshold of {threshold:g} is a guess: {few} validation faces that do not smile "
            f"are too few to tell {100 * false_accepts:g} %; try it at the gate (smile.threshold), "
            "or train with more",
            err=True,
        )
    if card is not None:
        head = "| file | kB | ms a face, one thread | accuracy, % | AUC |\n|" + " --- |" * 5 + "\n"
        text = f"On {len(labels)} validation faces {verdicts}.\n\n" + head + "\n".join(rows)
        model_card.replace_part(card, "precision", text)
