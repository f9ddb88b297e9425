"""Gates to examine: settings, machines and statuses as values."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory

from gate.config import Config
from gate.core.domain import Position, Reason, State
from gate.core.explain import Why
from gate.doctor import CHECKS
from gate.doctor.facts import Patient
from gate.doctor.finding import Grade
from gate.hardware.board import Board
from gate.interfaces.status import (
    CameraHealth,
    Failure,
    FrameCost,
    InputState,
    LaneOrder,
    LogHealth,
    ModelInForce,
    SettingsInForce,
    Status,
    Watchdog,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WELL = Board(
    model="Raspberry Pi 4 Model B Rev 1.5",
    temperature=48.0,
    strain=frozenset(),
    strain_before=frozenset(),
    load=0.4,
    memory_total=4 * 2**30,
    memory_available=3 * 2**30,
    disk_free=20 * 2**30,
    inodes_free=1_000_000,
    read_only=False,
    clock_synchronised=True,
    clock_chip=True,
    up_s=3600.0,
)
LOADED = {
    "LoadState": "loaded",
    "ActiveState": "inactive",
    "SubState": "dead",
    "Result": "success",
    "NRestarts": "0",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "ReadWritePaths": "",
    "StateDirectory": "smile-gate",
}


def config(**sections: dict[str, Any]) -> Config:
    """Settings with mock pins unless they say otherwise."""
    values = {"relay": {"pin_factory": "mock"}} | sections
    return Config.model_validate_json(json.dumps(values, default=str))


def patient(values: Config | None = None, **changed: Any) -> Patient:
    """A gate on a Pi that is well."""
    given: dict[str, Any] = {
        "board": WELL,
        "now": NOON,
        "root": Path("/none"),
        "open_pins": pins,
    } | changed
    return Patient(values or config(), **given)


def pins(_: str) -> MockFactory:
    """Pins that nothing is wired to."""
    return MockFactory()


def status(*faults: Failure, **changed: Any) -> dict[str, Any]:
    """What a running gate says of itself."""
    camera = CameraHealth("picamera", 15.0, 15.0, 900, 0, 0, 0.05, None, 0)
    said = Status(
        version="0.1.0",
        gate="gate-1",
        pid=812,
        wall=NOON,
        uptime_s=60.0,
        state=State.FAULT if faults else State.IDLE,
        why=Why("idle", "it waits for a guest"),
        since_s=3.0,
        visit=None,
        count=0,
        needed=8,
        lane=LaneOrder(True),
        faults=faults,
        relay=Position.SAFE,
        inputs=(InputState("emergency", False),),
        camera=camera,
        work=FrameCost(4.0, 9.0),
        watchdog=Watchdog(10.0, 9.8),
        log=LogHealth("/var/lib/smile-gate/audit.db", 41, 0, None),
        judging=ModelInForce("ab" * 32, 0.65),
        settings=SettingsInForce(None, Config().digest(), NOON),
        board=WELL,
        events=(),
    )
    return replace(said, **changed).as_dict()


CAMERA_LOST = Failure(Reason.FAULT_CAMERA, "no new picture for 2 s", 12.0)


def verdicts(part: str, who: Patient) -> list[Grade]:
    """The verdicts of one check, in their order."""
    return [finding.verdict for finding in CHECKS[part](who)]


def texts(part: str, who: Patient) -> str:
    """All that one check says."""
    return "\n".join(f"{one.verdict}: {one.seen} -> {one.advice}" for one in CHECKS[part](who))
