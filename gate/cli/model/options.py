"""Options of the training commands: which faces, and the fields of the training plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import click

from gate.training.plan import Option, TrainingPlan

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE: Final = click.Path(path_type=Path, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)

PLAN: Final = {
    name: get_args(hint)
    for name, hint in get_type_hints(TrainingPlan, include_extras=True).items()
    if any(isinstance(said, Option) for said in get_args(hint))
}
"""Each field of the plan that is an option → its type, and its `Option`."""

DATA_HELP: Final = "Folder with smiling/ and not_smiling/; may be given several times."

folders = click.option(
    "--data", "folders", type=FOLDER, multiple=True, required=True, help=DATA_HELP
)
crops = click.option(
    "--crops",
    type=click.Choice(["auto", "photo", "haar", "tight", "wide"]),
    default="auto",
    show_default=True,
    help="What the pictures show: photo, the face is found first; haar, it is the whole picture's "
    "Haar box; tight, it was cut closer; wide, with a fifth of the box added on each side; auto, "
    "that is measured.",
)
kept_out = click.option(
    "--kept-out",
    "lists",
    type=FILE,
    multiple=True,
    help="List of CLASS/FILE names kept out of all training, for the set that has them.",
)
kept_out_share = click.option(
    "--kept-out-share",
    type=click.FloatRange(0.0, 1.0),
    default=0.2,
    show_default=True,
    help="Share kept out, by a rule on the file name, of each set that no list names.",
)
split_seed = click.option(
    "--split-seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Which faces validate; the same for a teacher, its pupil and opinions.",
)


def from_plan(base: TrainingPlan, *names: str) -> Decorator:
    """Give a command options for fields of ``base``, and hand it the `plan` that they make.

    Type, limits and help of each stand at the field.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_plan(*args: Any, **others: Any) -> Any:
            chosen = {name: _as_field(name, others.pop(name)) for name in names}
            return function(*args, plan=replace(base, **chosen), **others)

        command: Callable[..., Any] = with_plan
        for name in reversed(names):
            command = _option(name, getattr(base, name))(command)
        return command

    return add


def _option(name: str, default: Any) -> Decorator:
    kind, option = PLAN[name]
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        type=_click_type(kind, option),
        default=str(default) if isinstance(default, StrEnum) else default,
        show_default=option.unset or True,
        help=option.help,
    )


def _click_type(kind: Any, option: Option) -> click.ParamType[Any]:
    kinds = get_args(kind) or (kind,)  # `int | None` is two of them
    if int in kinds:
        least, most = (None if it is None else int(it) for it in (option.least, option.most))
        return click.IntRange(least, most)
    if float in kinds:
        return click.FloatRange(option.least, option.most, min_open=option.above)
    if issubclass(kind, StrEnum):
        return click.Choice([str(value) for value in kind])
    return click.STRING


def _as_field(name: str, value: Any) -> Any:
    """The value as the plan has it: click gives a word for an enumeration."""
    kind, _ = PLAN[name]
    return kind(value) if isinstance(value, str) else value
