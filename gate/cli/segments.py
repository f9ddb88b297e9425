"""``smile-gate segments``: labelled clips through the gate, as a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from gate.cli import common
from gate.cli.common import FILE, config_option, example, json_option, say_json, settings
from gate.replay.segments import SMILE, SegmentOutcome, outcomes


@example("smile-gate segments clips/ --config gate.yaml")
@click.command("segments")
@click.argument("folder", type=FILE)
@config_option
@json_option
def command(folder: Path, config: Path | None, as_json: bool) -> None:
    """Replay the clips of FOLDER and judge each stretch that its segments.csv names.

    The list has the columns path, first_frame, last_frame and label: a smile is to be granted
    within a second, everything else is not to be granted. The gate is held open for a moment
    only, so that every stretch is judged.
    """
    done: list[SegmentOutcome] = []
    for outcome in outcomes(folder, settings(config)):
        done.append(outcome)
        if as_json:
            say_json({**asdict(outcome), "right": outcome.right})
    if not as_json:
        common.console().print(_table(done))
        click.echo(_summary(done))


def _table(done: list[SegmentOutcome]) -> Table:
    table = Table("clip", "frames", "label", "qualify", "granted", "otherwise", "right")
    for outcome in done:
        segment = outcome.segment
        after = outcome.grant_after_s
        table.add_row(
            segment.clip,
            f"{segment.first}–{segment.last}",
            segment.label,
            f"{100 * outcome.qualifying / max(outcome.frames, 1):.0f} %",
            "never" if after is None else f"after {after:.2f} s",
            ", ".join(f"{count} {reason}" for reason, count in outcome.reasons[:2]),
            "yes" if outcome.right else "NO",
        )
    return table


def _summary(done: list[SegmentOutcome]) -> str:
    smiles = [outcome for outcome in done if outcome.segment.label == SMILE]
    others = [outcome for outcome in done if outcome.segment.label != SMILE]
    granted = sum(outcome.right for outcome in smiles)
    wrong = sum(outcome.grants for outcome in others)
    lines = [
        f"{granted} of {len(smiles)} smiles granted within a second;"
        f" {wrong} grants in {len(others)} stretches that show none"
    ]
    for kind in sorted({outcome.segment.kind for outcome in others}):
        some = [outcome for outcome in others if outcome.segment.kind == kind]
        let_in = sum(outcome.grants > 0 for outcome in some)
        lines.append(f"  {kind}: {let_in} of {len(some)} stretches with a grant")
    return "\n".join(lines)
