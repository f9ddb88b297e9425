"""Options that the audit commands share: which log, and which events."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gate.audit import Query
from gate.cli.audit.when import in_order, when
from gate.core.domain import EventKind, Reason, State
from gate.errors import StoreError


def which_log(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command `--config` and `--database`, and hand it the log's path as `path`."""

    @click.option(
        "--config", type=click.Path(path_type=Path), help="Settings of the gate, to find its log."
    )
    @click.option(
        "--database", type=click.Path(path_type=Path), help="The log's own file, or a copy of it."
    )
    @wraps(function)
    def command(*args: Any, config: Path | None, database: Path | None, **others: Any) -> Any:
        return function(*args, path=_log_path(config, database), **others)

    return command


def _log_path(config: Path | None, database: Path | None) -> Path:
    if config is not None and database is not None:
        raise click.UsageError("give --config or --database, not both")
    if database is not None:
        return database
    from gate.config import Config  # pydantic takes half a second on a Pi: only where needed
    from gate.config.load import load

    return (Config() if config is None else load(config)).store.path


def must_be_there(path: Path) -> None:
    """Raise StoreError where there is no log at `path`."""
    if not path.is_file():
        raise StoreError(f"audit log {path}: there is no such file; check the path")


def user() -> str:
    """Who gives the command, for what it records: by the kernel, not by the environment.

    Under sudo also who called it, which only sudo's own variable says: ``root (sudo by anna)``.
    """
    mine, caller = _name(os.getuid()), os.environ.get("SUDO_UID", "")
    if caller.isdecimal() and caller.isascii() and len(caller) < _DIGITS:
        claimed = _name(int(caller))
        if claimed != mine:
            return f"{mine} (sudo by {claimed})"
    return mine


_DIGITS = 10
"""A user's number has fewer digits than this, or is none."""


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"user {uid}"


def which_events(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command the filters, and hand it a `query`."""

    @click.option(
        "--since",
        type=when,
        metavar="TIME",
        help='From this time on: "yesterday", "monday 9:30", "last 2 hours", "14h" (today\'s), …',
    )
    @click.option("--until", type=when, metavar="TIME", help="Before this time.")
    @click.option(
        "--event",
        type=click.Choice([*map(str, EventKind)]),
        metavar="EVENT",
        multiple=True,
        help="Only this event, such as granted; repeatable. A wrong one lists them all.",
    )
    @click.option(
        "--reason",
        type=click.Choice([*map(str, Reason)]),
        metavar="REASON",
        multiple=True,
        help="Only this reason, such as no_smile; repeatable. A wrong one lists them all.",
    )
    @click.option(
        "--state",
        type=click.Choice([*map(str, State)]),
        metavar="STATE",
        multiple=True,
        help="Only events before or after which the gate was in this state; repeatable.",
    )
    @click.option("--visit", type=int, help="Only this visit, by its number.")
    @click.option("--who", help="Only what this operator did.")
    @click.option("--score-from", type=click.FloatRange(0, 1), help="Smile score of at least this.")
    @click.option("--score-to", type=click.FloatRange(0, 1), help="Smile score of at most this.")
    @wraps(function)
    def command(
        *args: Any,
        event: tuple[str, ...],
        reason: tuple[str, ...],
        state: tuple[str, ...],
        since: Any,
        until: Any,
        visit: int | None,
        who: str | None,
        score_from: float | None,
        score_to: float | None,
        **others: Any,
    ) -> Any:
        in_order(since, until)
        if score_from is not None and score_to is not None and score_from > score_to:
            raise click.UsageError(
                f"--score-from {score_from:g} is above --score-to {score_to:g}: swap them"
            )
        query = Query(
            since=since,
            until=until,
            events=frozenset(map(EventKind, event)),
            reasons=frozenset(map(Reason, reason)),
            states=frozenset(map(State, state)),
            visit=visit,
            who=who,
            score_from=score_from,
            score_to=score_to,
        )
        return function(*args, query=query, **others)

    return command
