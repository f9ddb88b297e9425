"""The short run of `make faults`: each fault, with its promises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gate.core.domain import EventKind, Reason
from tests.faults.gate import SETTINGS, Gate, write_clip
from tests.faults.harms import FAULTS, Fault, strike


@pytest.fixture(scope="module")
def smile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("smile") / "smile.avi"
    write_clip(path)
    return path


@pytest.fixture
def gate(tmp_path: Path, smile: Path) -> Gate:
    it = Gate(tmp_path)
    it.prepare(smile)
    return it


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_fault_leaves_the_gate_open_or_a_grant_unrecorded(fault: Fault, gate: Gate) -> None:
    """The line is off in time, and every time it went on a committed record says why."""
    result = strike(fault, gate, random.Random(1))
    assert result.on_after_s <= fault.limit_s
    assert result.unrecorded_grants == 0
    assert result.unrecorded_moves == 0


@pytest.mark.slow
def test_after_a_crash_loop_the_lane_stays_shut_until_it_has_run_well(gate: Gate) -> None:
    """Three kills within minutes: the next run says so, lets nobody in, and then heals."""
    settings = SETTINGS.replace("crash_starts: 100", "crash_starts: 3, healthy_after_s: 2")
    (gate.folder / "gate.yaml").write_text(settings)
    for _ in range(3):
        gate.start()
        gate.wait_until_on()
        gate.kill()
    gate.start()
    gate.wait_until_on()
    gate.stop()
    events = [record.event for record in gate.records()]
    starts = [index for index, event in enumerate(events) if event.kind is EventKind.STARTED]
    last = events[starts[-1] :]
    told = [(event.kind, event.reason) for event in last]
    shut = told.index((EventKind.FAULT, Reason.FAULT_CRASH_LOOP))
    healed = told.index((EventKind.RECOVERED, Reason.FAULT_CRASH_LOOP))
    granted = [index for index, event in enumerate(last) if event.kind is EventKind.GRANTED]
    assert shut < healed < granted[0]
    assert last[healed].monotonic - last[shut].monotonic > 1.9
