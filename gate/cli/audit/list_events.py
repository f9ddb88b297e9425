"""`smile-gate audit list`: the events that match, newest last."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import click

from gate.audit import Query, Store
from gate.audit.watch import Watch
from gate.cli import common
from gate.cli.audit.options import which_events, which_log
from gate.cli.audit.progress import shown
from gate.cli.audit.show_rows import as_json, as_line, as_table
from gate.cli.audit.when import in_words
from gate.core.domain import Record

_POLL_S = 0.5


def coming(store: Store, query: Query, limit: int, wait: Callable[[], object]) -> Iterator[Record]:
    """The newest records that match, then each new one; `wait` is called where there is none."""
    for record in list(store.search(query, limit, newest_first=True))[::-1]:
        yield record
        query = replace(query, after=record.sequence)
    while True:
        for record in store.search(query):
            yield record
            query = replace(query, after=record.sequence)
        wait()


def _bar() -> AbstractContextManager[Watch | None]:
    """A bar while lines go into a file or a pipe; where they are seen themselves, none."""
    return nullcontext() if sys.stdout.isatty() else shown()


def _between(query: Query) -> str:
    """The time that was looked through, as it was understood."""
    said = [("from", query.since), ("before", query.until)]
    words = [f"{word} {in_words(at)}" for word, at in said if at is not None]
    return f" {' and '.join(words)}" if words else ""


@common.example(
    'smile-gate audit list --since "last 2 hours" --event granted\n  '
    "smile-gate audit list --database copy.db --reason no_smile --json"
)
@click.command("list")
@which_log
@which_events
@click.option("--limit", type=click.IntRange(min=1), help="List at most so many, the newest.")
@click.option("--follow", is_flag=True, help="Go on with new events as they come, until Ctrl-C.")
@click.option("--json", "json_lines", is_flag=True, help="JSON lines, all that match.")
def command(path: Path, query: Query, limit: int | None, follow: bool, json_lines: bool) -> None:
    """List events, the newest last; without --limit, a table has the newest 100."""
    with Store.open(path, read_only=True) as store:
        if follow:
            for record in coming(store, query, limit or 10, lambda: time.sleep(_POLL_S)):
                click.echo(as_json(record) if json_lines else as_line(record))
            return
        if limit is None and json_lines:
            with _bar() as watch:
                for record in store.search(query, watch=watch):
                    click.echo(as_json(record))
            return
        records = list(store.search(query, limit or 100, newest_first=True))[::-1]
    if json_lines:
        for record in records:
            click.echo(as_json(record))
        return
    console = common.console()
    if not records:
        console.print(f"No event matches{_between(query)}.")
    elif console.is_terminal and len(records) > console.height:
        with console.pager(styles=True):
            console.print(as_table(records))
    else:
        console.print(as_table(records))
