"""`smile-gate audit head`: what an auditor notes down elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from gate.audit import Store
from gate.cli.audit.options import which_log
from gate.cli.common import example
from gate.errors import StoreError


@example('smile-gate audit head --config gate.yaml | mail -s "lane 2" auditor@example.org')
@click.command("head")
@which_log
@click.option("--short", is_flag=True, help="16 hex digits of the digest: enough to write by hand.")
def command(path: Path, short: bool) -> None:
    """Print the newest event's number and digest, to be noted where the gate has no hand.

    The digest stands for every event up to this one: `audit verify --head` finds a log that was cut
    off or written anew.
    """
    with Store.open(path, read_only=True) as store:
        newest = next(store.records(newest_first=True, limit=1), None)
    if newest is None:
        raise StoreError(f"audit log {path}: it has no event yet; start the gate")
    click.echo(f"{newest.sequence}:{newest.digest[:16] if short else newest.digest}")
