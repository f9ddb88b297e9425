"""The daemon as a process, with the real parts: clip, cascades, model, log, mock pins."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import cv2
import pytest
from gpiozero.pins.mock import MockFactory

from gate.config.load import load
from gate.core.domain import (
    Event,
    EventKind,
    Observation,
    Position,
    Reason,
    Signal,
    State,
    Trigger,
)
from gate.core.transitions import Lane
from gate.errors import RelayError
from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.replay import demo_clip
from gate.service.daemon import URGENT, Daemon, in_order
from gate.service.health import ServiceReport
from gate.service.inbox import Letter
from gate.system.systemd import Notifier
from tests.daemons import STALE, Manager, WriteConfig, records, running, suspend, wait_for
from tests.waiting import PATIENCE_S


class RecordingNotifier(Notifier):
    """Keeps what a service manager with a limit of 8 s would be told."""

    def __init__(self, said: list[str]) -> None:
        super().__init__({})
        self._said = said
        self.watchdog_s = 8.0

    def ready(self) -> None:
        self._said.append("ready")

    def alive(self) -> None:
        self._said.append("alive")


def test_it_is_ready_after_the_first_frame_and_stops_when_told(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """READY, then watchdog pings, then STOPPING; exit code 0 and `stopped` as the last record."""
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert process.wait(PATIENCE_S) == 0
    kinds = [record.event.kind for record in records(tmp_path / "audit.db")]
    assert kinds[:2] == [EventKind.LOG_BEGUN, EventKind.STARTED]
    assert kinds[-1] is EventKind.STOPPED


@pytest.mark.slow
def test_it_is_not_ready_before_the_camera_is_judged(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """Without a camera the gate is ready only once it says openly that it has none."""
    config = write_config(camera=STALE | {"source": "missing.avi", "retry_first_s": 0.05})
    with running(config, manager) as process:
        said = manager.wait_for("READY=1")
        assert "WATCHDOG=1" not in said
        wait_for(tmp_path / "audit.db", EventKind.FAULT)
        (fault,) = [it for it in records(tmp_path / "audit.db") if it.event.kind is EventKind.FAULT]
        assert "missing.avi" in str(fault.event.detail)
        manager.wait_for("WATCHDOG=1")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_a_camera_that_comes_back_heals_the_gate(
    write_config: WriteConfig, manager: Manager, tmp_path: Path, clip: Path
) -> None:
    """The lane recovers by itself, and the log says how long it took."""
    config = write_config(
        camera=STALE
        | {"source": "late.avi", "retry_first_s": 0.05, "retry_max_s": 0.1, "loop": True}
    )
    database = tmp_path / "audit.db"
    with running(config, manager) as process:
        wait_for(database, EventKind.FAULT)
        (tmp_path / "late.avi").symlink_to(clip)
        wait_for(database, EventKind.RECOVERED)
        wait_for(database, EventKind.GRANTED)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_a_frozen_camera_is_a_fault_and_opens_nothing(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """The same smiling picture again and again is not a guest who stands still."""
    folder = tmp_path / "frozen"
    folder.mkdir()
    cv2.imwrite(str(folder / "smile.png"), demo_clip.photo())
    camera = {"source": str(folder), "loop": True, "stale_after_s": 3.0}
    config = write_config(camera=camera, smile={"frames": 60})
    with running(config, manager):
        wait_for(tmp_path / "audit.db", EventKind.FAULT)
    events = [record.event for record in records(tmp_path / "audit.db")]
    (fault,) = [event for event in events if event.kind is EventKind.FAULT]
    assert fault.detail == "the same picture again and again"
    assert EventKind.GRANTED not in [event.kind for event in events]


@pytest.mark.slow
def test_pings_come_only_from_a_loop_that_turns(
    write_config: WriteConfig, manager: Manager
) -> None:
    """A process that is alive but does not get on is silent: the manager will end it."""
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("WATCHDOG=1")
        suspend(process)
        manager.drain()
        assert manager.silent_for(0.5)
        process.send_signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1")


def test_no_pings_once_the_gate_has_given_up_on_its_camera() -> None:
    """Openly at fault is alive only while something is tried; else the manager is to restart it."""
    said: list[str] = []
    report = ServiceReport(RecordingNotifier(said), 0.0)
    fault = Lane(State.FAULT, faults=((Reason.FAULT_CAMERA, 0.0),))
    report.turn(fault, 1.0, well=True)
    report.turn(fault, 5.0, well=True)
    assert said == ["ready", "alive", "alive"]
    watchdog = report.watchdog(6.0)
    assert (watchdog.limit_s, watchdog.margin_s) == (8.0, 4.0)
    report.turn(fault, 7.0, well=False)
    assert said == ["ready", "alive", "alive"]
    assert report.watchdog(12.0).margin_s == 1.0


HANGING = """
import threading, time

class Picamera2:
    owned = False

    def __init__(self):
        if Picamera2.owned:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        Picamera2.owned = True

    def create_video_configuration(self, **wanted):
        return wanted

    def configure(self, wanted):
        pass

    def start(self):
        pass

    def capture_request(self):
        threading.Event().wait()

    def close(self):
        Picamera2.owned = False
"""
"""A stand-in for picamera2 whose capture never returns; one owner at a time."""


@pytest.mark.slow
def test_a_camera_that_only_a_restart_frees_ends_the_gate_with_its_own_code(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    """Exit code 6, recorded as a stop and no crash, so that the next start is not suspicious."""
    (tmp_path / "picamera2.py").write_text(HANGING)
    camera = {"source": "picamera", "stuck_after_s": 1.0, "retry_first_s": 0.1, "retry_max_s": 0.1}
    path = write_config(camera=camera | STALE)
    code = (
        "import gate.service.parts as parts; parts.ENDS_AFTER_S = 1.0; from gate.cli import main;"
        f" import sys; sys.argv = ['smile-gate', 'run', '--config', {str(path)!r}]; main()"
    )
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 6, ended.stderr
    assert "the gate ends to free its camera" in ended.stderr
    last = records(tmp_path / "audit.db")[-1].event
    assert last.kind is EventKind.STOPPED
    assert str(last.detail).startswith("camera hung: ")


@pytest.mark.slow
def test_a_killed_gate_leaves_a_whole_log_and_the_next_run_says_so(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """After kill -9 in a hold the database is whole, and the next run records the end."""
    config = write_config(camera={"loop": True}, relay={"hold_s": 9})
    database = tmp_path / "audit.db"
    with running(config, manager) as process:
        wait_for(database, EventKind.GRANTED)
        process.kill()
        process.wait()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before = len(records(database))
    manager.drain()
    with running(config, manager) as process:
        manager.wait_for("READY=1")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    kinds = [record.event.kind for record in records(database)]
    assert kinds[before : before + 2] == [EventKind.UNCLEAN_END, EventKind.STARTED]
    assert kinds[-1] is EventKind.STOPPED


def test_two_mistakes_in_the_config_start_nothing(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """Exit code 2, a line for each, and no database is made."""
    config = write_config(smile={"frames": 0}, relay={"pin": 99})
    with running(config, manager) as process:
        assert process.wait(PATIENCE_S) == 2
        assert process.stderr is not None
        lines = process.stderr.read().decode().splitlines()
    assert len(lines) == 2
    assert not (tmp_path / "audit.db").exists()


def test_the_lines_in_force_are_written_down_before_any_is_claimed(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    """A gate that ends at its very first pin has said which ones safe-state must drive."""
    found: list[LinesInForce | None] = []

    class Pins(MockFactory):  # type: ignore[misc]  # gpiozero has no types
        def pin(self, name: str) -> None:
            found.append(lines_file.read(tmp_path))
            raise OSError("no such pin")

    settings = load(write_config(heartbeat={"pin": 5}))
    with pytest.raises(RelayError, match="GPIO 17 cannot be claimed"):
        Daemon(settings, factory=Pins()).run()
    assert found[0] is not None
    assert [line.pin for line in found[0].lines] == [17, 5]


@pytest.mark.slow
def test_settings_that_were_damaged_after_a_good_start_are_a_fault(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """The gate runs with the last ones, names the mistake, and heals once the file is reloaded."""
    config, database = write_config(camera={"loop": True}), tmp_path / "audit.db"
    with running(config, manager) as process:
        manager.wait_for("READY=1")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    good = config.read_text()
    config.write_text(good.replace('"camera"', '"camra"', 1))
    with running(config, manager) as process:
        wait_for(database, EventKind.FAULT)
        (fault,) = [it.event for it in records(database) if it.event.kind is EventKind.FAULT]
        assert (fault.reason, fault.after) == (Reason.FAULT_SETTINGS, State.FAULT)
        assert "did you mean 'camera'" in str(fault.detail)
        config.write_text(good)
        manager.wait_for("READY=1")
        process.send_signal(signal.SIGHUP)
        wait_for(database, EventKind.RECOVERED)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_a_log_that_hangs_keeps_nobody_in_and_lets_nobody_in(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    """The exit opens while the log's thread hangs; the guest's grant lapses, and says so later."""
    daemon = Daemon(
        load(write_config(camera={"loop": True}, store={"grant_within_s": 0.1})),
        factory=MockFactory(),
    )
    hangs, opened = threading.Event(), []

    def hang(observation: Observation, lane: Lane) -> None:
        """Called in the loop with each frame."""
        parts = daemon.parts
        if lane.state is State.SMILING and not hangs.is_set():
            parts.log.writer.do(lambda: hangs.wait(PATIENCE_S))
        elif lane.state is State.FAULT and not hangs.is_set():
            press = Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT)
            parts.lane.controller.process(press, time.monotonic())
            opened.append(parts.hardware.relay.position)
            hangs.set()

    def told(event: Event) -> None:
        if event.kind is EventKind.RECOVERED:
            daemon.stop()

    daemon._on_frame, daemon._on_event = hang, told
    daemon.run()
    assert opened == [Position.GRANTED]
    events = [record.event for record in records(tmp_path / "audit.db")]
    kinds = [event.kind for event in events]
    lapsed = events[kinds.index(EventKind.GRANT_LAPSED)]
    assert lapsed.detail == f"event {kinds.index(EventKind.GRANTED) + 1}"
    assert kinds.index(EventKind.GRANT_LAPSED) > kinds.index(EventKind.GRANTED)
    assert kinds[-1] is EventKind.STOPPED


def test_a_press_is_taken_before_what_came_earlier_and_can_wait() -> None:
    """Chatter of another contact delays nobody who wants out; what is urgent keeps its order."""
    chatter = [Signal(Trigger.TAMPER)] * 500
    urgent = [Signal(trigger) for trigger in (*URGENT, *URGENT)]
    letters: list[Letter] = [*chatter, *urgent[:4], *chatter, *urgent[4:]]
    assert in_order(letters)[: len(urgent)] == urgent
