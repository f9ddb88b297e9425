"""`smile-gate audit prune`: delete old events, on record."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.audit.upkeep import prune_old
from gate.cli.audit.options import user, which_log
from gate.cli.common import example
from gate.errors import StoreError
from gate.system.clock import system_clock


@example("smile-gate audit prune --config gate.yaml --older-than 3650")
@click.command("prune")
@which_log
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    help="Delete events older than so many days.",
)
@click.option(
    "--larger-than",
    "megabytes",
    type=click.FloatRange(min=0.5),
    help="Delete the oldest events until the log has so many megabytes.",
)
@click.option("--trust-clock", is_flag=True, help="The clock is right: I looked.")
def command(path: Path, days: float | None, megabytes: float | None, trust_clock: bool) -> None:
    """Delete the oldest events, by age or by size; the log says which.

    By age, no more than seven days' events at a time, and none after a leap of the clock, unless
    you say --trust-clock.
    """
    if days is None and megabytes is None:
        raise click.UsageError("say --older-than DAYS or --larger-than MEGABYTES")
    now, trusted = system_clock()
    if days is not None and not (trusted or trust_clock):
        raise StoreError("the clock isn't synchronised; wait for NTP, or say --trust-clock")
    with Store.open(path, mends=False, create=False) as store:
        done = prune_old(
            store,
            days=days,
            megabytes=megabytes,
            clock=lambda: (now, trusted),
            trust_clock=trust_clock,
            who=user(),
        )
    for pruned in done:
        click.echo(f"{pruned.count} events deleted, {pruned.first} to {pruned.last}")
    if not done:
        click.echo("Nothing to delete.")
