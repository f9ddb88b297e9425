"""A tenth of `make faults`' failed calls: which ones, the seed says."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

from tests.faults.calls.runs import SCENARIOS, WIRINGS, Trial, sample
from tests.faults.calls.targets import KINDS

SHARE = int(os.environ.get("SMILE_GATE_CALLS_SHARE", "10"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_call_that_fails_breaks_a_promise() -> None:
    """Whichever call fails, once or for good: the way out works, and nobody is let in by it."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, to build the library that fails calls")
    seed = int(os.environ.get("SMILE_GATE_CALLS_SEED", random.randrange(10**6)))
    command = [sys.executable, "-m", "tests.faults.calls", "--json", "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--share", str(SHARE)], stdout=subprocess.PIPE, check=False, text=True
    )
    found = json.loads(done.stdout)
    assert done.returncode == 0, f"SMILE_GATE_CALLS_SEED={seed}: {found['broken']}"
    assert found["broken"] == []
    assert {row["scenario"] for row in found["rows"]} == set(SCENARIOS)
    assert {row["kind"] for row in found["rows"]} == set(KINDS)
    assert all(row["failed"] for row in found["rows"])


def test_a_trial_is_repeated_by_its_name() -> None:
    """What is printed with a broken promise names exactly that trial."""
    trial = Trial("log-sync", "guest", WIRINGS[1], 3, "on")
    assert Trial.named(str(trial)) == trial
    with pytest.raises(ValueError, match="no such trial"):
        Trial.named("log-sync:guest:loose:3:on")


def test_each_kind_and_scenario_is_in_a_sample() -> None:
    """The same seed chooses the same trials, and no group is left out."""
    trials = [
        Trial(kind, scenario, WIRINGS[0], number, "once")
        for kind in KINDS
        for scenario in SCENARIOS
        for number in range(1, 4)
    ]
    chosen = sample(trials, 10, 7)
    assert chosen == sample(trials, 10, 7)
    assert {(one.kind, one.scenario) for one in chosen} == {
        (kind, scenario) for kind in KINDS for scenario in SCENARIOS
    }
