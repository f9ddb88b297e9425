"""`smile-gate audit top`: what comes most often."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from gate.audit.stats import By, as_dict
from gate.cli import common
from gate.cli.audit.options import which_log
from gate.cli.audit.stats import counted
from gate.cli.audit.when import when, zone_of

_WHAT = {
    "reasons": By.REASON,
    "events": By.EVENT,
    "hours": By.HOUR_OF_DAY,
    "weekdays": By.WEEKDAY,
    "days": By.DAY,
}


@common.example('smile-gate audit top hours --since "last 4 weeks"')
@click.command("top")
@click.argument("what", type=click.Choice([*_WHAT]), default="reasons")
@which_log
@click.option("--since", type=when, metavar="TIME", help="From this time on; default: 7 days ago.")
@click.option("--until", type=when, metavar="TIME", help="Before this time; default: now.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Lines at most."
)
@common.json_option
def command(
    what: str, path: Path, since: datetime | None, until: datetime | None, limit: int, as_json: bool
) -> None:
    """List the commonest reasons or events, or the busiest hours, weekdays or days."""
    result = counted(path, since, until, _WHAT[what])
    ranked = sorted(result.parts, key=lambda part: -part.events)[:limit]
    if as_json:
        for part in ranked:
            common.say_json(as_dict(part))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    of_time = what in ("hours", "weekdays", "days")
    table.add_column(f"{what}, {zone_of(result.until)}" if of_time else what)
    table.add_column("events", justify="right")
    table.add_column("grants", justify="right")
    table.add_column("denials", justify="right")
    table.add_column("")
    most = ranked[0].events if ranked else 1
    for part in ranked:
        bar = "█" * max(1, round(part.events / most * 20))
        table.add_row(part.label, str(part.events), str(part.grants), str(part.denials), bar)
    common.console().print(table if ranked else "No event in this time.")
