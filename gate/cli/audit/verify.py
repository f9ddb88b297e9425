"""`smile-gate audit verify`: is the log whole?"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import click

from gate.audit.session import Session
from gate.audit.upkeep import head_of
from gate.audit.verify.export import is_export, verify_export
from gate.audit.verify.findings import Head, LogVerdict
from gate.audit.verify.log import verify
from gate.cli.audit.options import must_be_there, which_log
from gate.cli.audit.progress import shown
from gate.cli.common import example
from gate.errors import StoreError


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@example(
    "smile-gate audit verify --config gate.yaml --head 812:3f5a09c2d4e6b8a1\n  "
    "smile-gate audit verify --database export.csv"
)
@click.command("verify")
@which_log
@click.option(
    "--head", "heads", type=_head, multiple=True, help="Head that was noted earlier; repeatable."
)
@click.option(
    "--jobs", default=os.cpu_count() or 1, help="Processes; by default one for each core."
)
@click.option("--deep", is_flag=True, help="Let SQLite check its pages and indexes too: slower.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as one JSON object.")
def command(path: Path, heads: tuple[Head, ...], jobs: int, deep: bool, as_json: bool) -> None:
    """Verify a log, a copy of one, or an export, and say what isn't as it was written.

    Exit code 0: whole. 1: not whole, with what was found. 2: could not look.
    """
    try:
        must_be_there(path)
        what = "export" if is_export(path) else "log"
        with shown() as watch:
            if what == "export":
                verdict = verify_export(path, heads, watch=watch)
            else:
                with closing(Session(path, read_only=True)) as session:
                    verdict = verify(session, heads, workers=jobs, deep=deep, watch=watch)
    except StoreError as error:
        click.echo(f"smile-gate: {error}", err=True)
        sys.exit(2)
    click.echo(_as_json(verdict) if as_json else _as_text(verdict, what))
    sys.exit(0 if verdict.whole else 1)


def _as_json(verdict: LogVerdict) -> str:
    findings = [
        {"harm": finding.harm, "sequence": finding.sequence, "text": finding.text}
        for finding in verdict.findings
    ]
    return json.dumps(
        {
            "whole": verdict.whole,
            "events": verdict.events,
            "first": verdict.first,
            "pruned": verdict.pruned,
            "head": head_of(verdict),
            "findings": findings,
        }
    )


def _as_text(verdict: LogVerdict, what: str) -> str:
    pruned = f", {verdict.pruned} before them pruned on record" if verdict.pruned else ""
    lines = [f"{verdict.events} events{pruned}, head {head_of(verdict)}"]
    lines += [f"{finding.harm}: {finding.text}" for finding in verdict.findings]
    lines.append(f"The {what} is {'whole' if verdict.whole else 'NOT whole'}.")
    return "\n".join(lines)
