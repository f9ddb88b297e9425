"""Options that are made from the fields of the training plan."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from gate.cli.model.options import PLAN, from_plan
from gate.training.plan import Schedule, TrainingPlan
from gate.vision.model_input import Normalisation


def chosen(base: TrainingPlan, *words: str) -> Any:
    """The plan that a command gets which is called with these words."""
    got = []

    @click.command()
    @from_plan(base, *PLAN)
    def command(plan: TrainingPlan) -> None:
        got.append(plan)

    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    return got[0]


def test_without_options_the_plan_is_as_it_was() -> None:
    """The defaults are the plan's own, and fields without an option are left alone."""
    base = TrainingPlan(epochs=7, schedule=Schedule.COSINE, plateau=3)
    assert chosen(base) == base


def test_each_option_changes_its_field() -> None:
    """Numbers, words and enumerations arrive as the plan has them."""
    words = {
        "arch": "eye-net",
        "epochs": 3,
        "drawn": 40,
        "batch": 16,
        "seed": 5,
        "learning_rate": 0.25,
        "schedule": Schedule.COSINE,
        "smoothing": 0.125,
        "mixing": 0.75,
        "trust": 1.0,
        "normalisation": Normalisation.EQUALISED,
        "threads": 2,
    }
    assert set(words) == set(PLAN)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in words.items()]
    plan = chosen(TrainingPlan(), *options)
    assert plan == TrainingPlan(**words)  # type: ignore[arg-type]  # each is its field's
    assert plan.schedule is Schedule.COSINE
    assert plan.normalisation is Normalisation.EQUALISED


@pytest.mark.parametrize(
    "option", ["--epochs=0", "--learning-rate=0", "--trust=1.1", "--schedule=linear", "--batch=x"]
)
def test_a_value_outside_of_its_limits_is_refused(option: str) -> None:
    """The limits at the field are those of the option."""

    @click.command()
    @from_plan(TrainingPlan(), *PLAN)
    def command(plan: TrainingPlan) -> None:
        raise AssertionError(plan)

    result = CliRunner().invoke(command, [option])
    assert result.exit_code == 2
    assert option.partition("=")[0] in result.stderr
