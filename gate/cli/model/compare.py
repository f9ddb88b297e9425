"""``smile-gate model compare``: all architectures on the same faces, as a table for the card."""

from __future__ import annotations

from pathlib import Path

import click

from gate.cli.common import example
from gate.cli.model import options
from gate.training.plan import Schedule, TrainingPlan


@example(
    "smile-gate model compare --data smiles/ --kept-out smiles-test.txt --data genki/ --epochs 10"
)
@click.command("compare")
@options.folders
@options.crops
@options.kept_out
@options.kept_out_share
@options.from_plan(TrainingPlan(epochs=30, schedule=Schedule.COSINE), "epochs", "seed", "threads")
@click.option(
    "--finalists",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="How many of the best are trained on two further seeds.",
)
@click.option("--arch", "names", multiple=True, help="Only this architecture; may be repeated.")
@click.option(
    "--out",
    type=options.FILE,
    default=Path("comparison.json"),
    show_default=True,
    help="Results; a comparison that was broken off goes on from there.",
)
@click.option(
    "--card",
    type=options.FILE,
    help="MODEL_CARD.md whose comparison table is replaced.",
)
def command(
    folders: tuple[Path, ...],
    crops: str,
    lists: tuple[Path, ...],
    kept_out_share: float,
    plan: TrainingPlan,
    finalists: int,
    names: tuple[str, ...],
    out: Path,
    card: Path | None,
) -> None:
    """Train every architecture on each set and on all of them, and print the table."""
    from rich.console import Console

    from gate.training import architectures, compare, data, model_card

    console = Console(stderr=True)
    for name in names:
        architectures.named(name)
    sets = compare.read_sets(folders, data.Crops(crops), lists, kept_out_share)
    results = compare.read_results(out, plan)

    def tell(result: compare.Result) -> None:
        results.append(result)
        compare.write_results(out, results)
        console.print(
            f"{result.arch}, seed {result.seed}, trained on {result.trained_on}: "
            + ", ".join(
                f"{name} {result.accuracy[name]:.3f} / {result.auc[name]:.4f}"
                for name in result.accuracy
            )
        )

    found = compare.trials(sets, plan, names or compare.NAMES, finalists, tuple(results), tell)
    text = (
        f"{plan.epochs} epochs each, {plan.schedule} schedule, seed {plan.seed}, threshold 0.5, "
        "kept-out faces; "
        "A → B: trained on A alone, judged on B.\n\n" + compare.table(found)
    )
    click.echo(text)
    if card is not None:
        model_card.replace_part(card, "comparison", text)
