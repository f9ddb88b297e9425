"""`smile-gate audit stats`: how many passed, how many didn't, when and why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from gate.audit import Store
from gate.audit.stats import By, Count, Statistics, as_dict, sparkline, statistics
from gate.cli import common
from gate.cli.audit.options import which_log
from gate.cli.audit.when import in_order, in_words, when


def counted(path: Path, since: datetime | None, until: datetime | None, by: By) -> Statistics:
    """The statistics of a log; without times, of the seven days up to now."""
    end = until or datetime.now().astimezone()
    start = since or end - timedelta(days=7)
    in_order(start, end)
    with Store.open(path, read_only=True) as store, store.session.reading() as connection:
        return statistics(connection, start, end, by)


@common.example("smile-gate audit stats --since yesterday --until today --by hour --plot day.png")
@click.command("stats")
@which_log
@click.option("--since", type=when, metavar="TIME", help="From this time on; default: 7 days ago.")
@click.option("--until", type=when, metavar="TIME", help="Before this time; default: now.")
@click.option("--by", type=click.Choice([*map(str, By)]), default=str(By.DAY), show_default=True)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw it into this PNG file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    path: Path,
    since: datetime | None,
    until: datetime | None,
    by: str,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Count grants and denials, with the pass rate and the median time to smile.

    The pass rate is the part of the decided visits that was granted. Times are widened to whole
    quarters of an hour.
    """
    result = counted(path, since, until, By(by))
    if plot is not None:
        from gate.cli.audit.plot import draw  # matplotlib takes a second to load

        draw(result, plot)
    if as_json:
        parts = [as_dict(part) for part in result.parts]
        times = {"since": result.since.isoformat(), "until": result.until.isoformat(), "by": by}
        click.echo(json.dumps({**times, "total": as_dict(result.total), "parts": parts}))
        return
    console = common.console()
    console.print(f"{in_words(result.since)} to {in_words(result.until)}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(by)
    for heading in ("grants", "denials", "passed", "pass rate", "time to smile"):
        table.add_column(heading, justify="right")
    for part in (*result.parts, result.total):
        table.add_row(*_cells(part), style="bold" if part is result.total else None)
    console.print(table)
    if len(result.parts) > 1:
        console.print(f"grants  {sparkline(part.grants for part in result.parts)}")
        console.print(f"denials {sparkline(part.denials for part in result.parts)}")


def _cells(part: Count) -> tuple[str, ...]:
    rate, wait = part.pass_rate, part.median_wait
    return (
        part.label,
        str(part.grants),
        str(part.denials),
        str(part.passed),
        "" if rate is None else f"{rate:.0%}",
        "" if wait is None else f"{wait:.1f} s",
    )
