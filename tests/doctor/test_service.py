"""The unit and the running gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.config import Config
from gate.core.domain import State
from gate.doctor import examine
from gate.doctor.facts import ask_gate
from gate.doctor.finding import Grade
from gate.doctor.service import RESULTS
from gate.errors import NoAnswer
from gate.interfaces.control.protocol import Request
from gate.interfaces.control.server import Server
from gate.interfaces.status import LogHealth
from tests.doctor.patients import CAMERA_LOST, LOADED, config, patient, status, texts, verdicts

OK, WARN, FAIL, SKIPPED = Grade.OK, Grade.WARN, Grade.FAIL, Grade.SKIPPED
ACTIVE = LOADED | {"ActiveState": "active", "SubState": "running"}


@pytest.mark.parametrize(
    ("unit", "verdict", "advice"),
    [
        (None, SKIPPED, ""),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, WARN, "install.sh"),
        (ACTIVE, OK, ""),
        (LOADED, WARN, "systemctl start"),
        (ACTIVE | {"UnitFileState": "disabled"}, WARN, "systemctl enable"),
        (ACTIVE | {"NeedDaemonReload": "yes"}, WARN, "daemon-reload"),
        (ACTIVE | {"NRestarts": "4"}, WARN, "journalctl"),
        (LOADED | {"ActiveState": "failed", "Result": "watchdog"}, FAIL, "reset-failed"),
        (
            LOADED
            | {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"},
            FAIL,
            "journalctl",
        ),
        (
            LOADED | {"ActiveState": "activating", "SubState": "start", "NRestarts": "4"},
            FAIL,
            "journalctl",
        ),
    ],
)
def test_what_the_service_manager_says(
    unit: dict[str, str] | None, verdict: Grade, advice: str
) -> None:
    """Each state has its verdict and the command that changes it."""
    who = patient(unit=unit)
    assert verdict in verdicts("unit", who)
    assert advice in texts("unit", who)


@pytest.mark.parametrize("result", RESULTS)
def test_why_it_failed_is_said_in_words(result: str) -> None:
    """Nobody has to know systemd's vocabulary."""
    who = patient(unit=LOADED | {"ActiveState": "failed", "Result": result})
    assert RESULTS[result] in texts("unit", who)


@pytest.mark.parametrize(
    ("changed", "verdict", "said"),
    [
        ({}, OK, "idle"),
        ({"state": State.EMERGENCY}, FAIL, "release the contact"),
        ({"log": LogHealth("a.db", 41, 7, None)}, WARN, "7 events wait"),
        ({"log": LogHealth("a.db", 41, 0, "a.db.damaged-1")}, WARN, "audit salvage"),
    ],
)
def test_the_running_gate_is_asked(changed: dict[str, Any], verdict: Grade, said: str) -> None:
    """Its own word of its health is repeated with what to do."""
    who = patient(status=status(**changed))
    assert verdict in verdicts("gate", who)
    assert said in texts("gate", who)


def test_a_part_at_fault_in_the_running_gate() -> None:
    """It is named, with how long, and where to look."""
    said = texts("gate", patient(status=status(CAMERA_LOST)))
    assert "fail: camera at fault for 12 s: no new picture for 2 s" in said
    assert "the row 'camera'" in said


def test_a_gate_that_runs_without_an_answer() -> None:
    """Its socket may be off or not for this user: said, not guessed."""
    assert verdicts("gate", patient(unit=ACTIVE)) == [WARN]
    assert verdicts("gate", patient(unit=LOADED)) == [SKIPPED]
    starting = LOADED | {"ActiveState": "activating"}
    assert verdicts("gate", patient(unit=starting)) == [SKIPPED]


@pytest.mark.parametrize("part", ["camera", "face", "gpio", "relay", "inputs"])
def test_a_running_gate_is_never_disturbed(part: str) -> None:
    """What it owns is not opened, and one line says how to test it."""

    def no_pins(_: str) -> Any:
        raise AssertionError("the pins were touched")

    values = config(camera={"source": "/does/not/exist.mp4"}, inputs={"emergency": {"pin": 5}})
    who = patient(values, unit=ACTIVE, open_pins=no_pins, asked=frozenset({"relay", "face"}))
    assert verdicts(part, who) == [SKIPPED]
    assert "systemctl stop smile-gate" in texts(part, who)


def test_the_settings_in_force_are_not_those_of_the_file(tmp_path: Any) -> None:
    """A changed file that was not loaded yet explains many a puzzle."""
    who = patient(config(), path=tmp_path / "gate.yaml", unit=ACTIVE, status=status())
    assert "smile-gate reload" in texts("settings", who)
    same = patient(Config(), path=tmp_path / "gate.yaml", unit=ACTIVE, status=status())
    assert verdicts("settings", same) == [OK]


def test_settings_with_mistakes_are_one_failure() -> None:
    """What needs no settings is tested all the same; nothing is tested with wrong ones."""
    who = patient(mistakes=("gate.yaml:3: unknown setting 'camra'",))
    assert verdicts("settings", who) == [FAIL]
    assert [one.verdict for one in examine(who, "relay")] == [SKIPPED]
    assert [one.verdict for one in examine(who, "memory")] == [OK]


def test_a_recording_as_camera_is_for_trials() -> None:
    """A gate that shows a clip to itself lets nobody in."""
    who = patient(config(camera={"source": "/srv/clip.mp4"}))
    assert "for a real gate: picamera" in texts("settings", who)


@pytest.fixture
def door(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def test_the_gate_is_asked_at_its_socket(door: Path) -> None:
    """What a real control socket answers is what the checks see."""
    asked: list[str] = []

    def answer(request: Request) -> dict[str, Any]:
        asked.append(request.command)
        return {"status": status(CAMERA_LOST)}

    values = config(control={"socket": str(door)})
    server = Server(door, {}, answer)
    server.start()
    try:
        said, silent = ask_gate(values)
    finally:
        server.close()
    assert asked == ["status"]
    assert silent is None
    assert verdicts("gate", patient(values, status=said)) == [FAIL]
    assert ask_gate(values) == (None, None)


def test_a_gate_whose_loop_hangs(door: Path) -> None:
    """It runs, so nothing of it is touched; that it does not answer is the failure."""

    def answer(_: Request) -> dict[str, Any]:
        raise NoAnswer("the gate's loop does not answer")

    server = Server(door, {}, answer)
    server.start()
    try:
        _, silent = ask_gate(config(control={"socket": str(door)}))
    finally:
        server.close()
    who = patient(silent=silent)
    assert who.running
    assert verdicts("gate", who) == [FAIL]
    assert verdicts("camera", who) == [SKIPPED]


def test_settings_that_may_not_be_read_are_no_mistake_in_them() -> None:
    """Who runs doctor without the right to read them is told so."""
    denied = "gate.yaml:1: cannot be read as text: [Errno 13] Permission denied: 'gate.yaml'"
    assert "sudo smile-gate doctor" in texts("settings", patient(mistakes=(denied,)))
