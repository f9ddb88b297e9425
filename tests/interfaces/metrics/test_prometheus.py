"""The metrics: what is counted, what is true now, and that they never harm the gate."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gate.config import Config
from gate.config import MetricsSettings as MetricsSettings
from gate.core.domain import Event, EventKind, Reason, State
from gate.errors import StoreError
from gate.hardware.board import Board, Strain
from gate.interfaces.metrics.from_config import open_meter
from gate.interfaces.metrics.meter import FrameOutcome, FrameResult, LoopTurn, Meter
from gate.interfaces.metrics.prometheus import PrometheusMeter
from tests.fakes import ListRecorder
from tests.waiting import PATIENCE_S, until

WriteConfig = Callable[..., Path]
BUILD = {"version": "1", "gate": "gate-1"}
BOARD = Board(temperature=61.5, strain=frozenset({Strain.UNDER_VOLTAGE}), disk_free=10**9, load=0.5)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turn(now: float = 0.0, **changes: object) -> LoopTurn:
    values: dict[str, object] = {
        "now": now,
        "state": State.IDLE,
        "open": True,
        "faults": frozenset(),
        "fresh_at": now,
        "dropped": 0,
    }
    return LoopTurn(**(values | changes))  # type: ignore[arg-type]  # the test names real fields


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Iterator[PrometheusMeter]:
    it = PrometheusMeter(
        build=BUILD, model="abc", watchdog_s=10, fps_wanted=15, board=lambda: BOARD, clock=clock
    )
    with closing(it):
        yield it


def value(metrics: PrometheusMeter, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"smile_gate_{name}", labels)


def test_grants_and_refusals_are_counted_by_reason(metrics: PrometheusMeter) -> None:
    """Each event once, under its kind and its reason."""
    metrics.record_event(Event(EventKind.GRANTED, 0.0, reason=Reason.SMILE_HELD))
    for _ in range(2):
        metrics.record_event(Event(EventKind.VISIT_LEFT, 0.0, reason=Reason.NO_SMILE))
    metrics.record_event(Event(EventKind.PASSED, 0.0))
    assert value(metrics, "events_total", event="granted", reason="smile_held") == 1
    assert value(metrics, "events_total", event="visit_left", reason="no_smile") == 2
    assert value(metrics, "events_total", event="passed", reason="") == 1


def test_what_is_alerted_on_begins_at_zero(metrics: PrometheusMeter) -> None:
    """The first fault is an increase, not the birth of a series."""
    assert value(metrics, "events_total", event="fault", reason="fault_camera") == 0
    assert value(metrics, "frames_total", outcome="late") == 0


def test_frames_and_stages_are_counted_and_timed(metrics: PrometheusMeter) -> None:
    """By what became of them, with their age and what each stage took."""
    stages = {"face": 0.004, "whole": 0.009}
    metrics.record_frame(FrameResult(FrameOutcome.JUDGED, 0.03, stages))
    metrics.record_frame(FrameResult(FrameOutcome.LATE, 3.0))
    assert value(metrics, "frames_total", outcome="judged") == 1
    assert value(metrics, "frame_age_seconds_count") == 2
    assert value(metrics, "stage_seconds_sum", stage="face") == 0.004
    assert value(metrics, "stage_seconds_bucket", stage="whole", le="0.01") == 1
    assert value(metrics, "stage_seconds_bucket", stage="whole", le="0.005") == 0


def test_a_commit_is_timed_also_when_it_fails(metrics: PrometheusMeter) -> None:
    """The log works as before, its errors too."""
    recorder = ListRecorder()
    timed = metrics.timed(recorder)
    event = Event(EventKind.STARTED, 0.0)
    timed.record([event])
    assert recorder.events == [event]
    recorder.broken = True
    with pytest.raises(StoreError):
        timed.record([event])
    assert value(metrics, "stage_seconds_count", stage="commit") == 2


def test_the_state_is_one_of_all(metrics: PrometheusMeter) -> None:
    """One state has 1, the others 0; so do the parts."""
    metrics.record_turn(turn(state=State.FAULT, faults=frozenset({Reason.FAULT_CAMERA})))
    states = {state: value(metrics, "state", state=state) for state in State}
    assert states.pop(State.FAULT) == 1
    assert set(states.values()) == {0}
    assert value(metrics, "fault", part="fault_camera") == 1
    assert value(metrics, "fault", part="fault_relay") == 0


def test_a_loop_that_hangs_can_be_seen(metrics: PrometheusMeter, clock: Clock) -> None:
    """Ages go on although nothing comes any more."""
    metrics.record_turn(turn(fresh_at=-1.0, unwritten=3, oldest_unwritten=-5.0, dropped=7))
    clock.now = 4.0
    assert value(metrics, "loop_age_seconds") == 4
    assert value(metrics, "newest_frame_age_seconds") == 5
    assert value(metrics, "unwritten_events") == 3
    assert value(metrics, "unwritten_age_seconds") == 9
    assert value(metrics, "frames_dropped_total") == 7


def test_the_margin_is_what_the_longest_silence_left(
    metrics: PrometheusMeter, clock: Clock
) -> None:
    """It remembers a narrow escape for a minute or two, and shows one in the making."""
    for now, pinged in [(0.0, 0.0), (2.0, 2.0), (9.0, 9.0), (10.0, 10.0)]:
        clock.now = now
        metrics.record_turn(turn(now, pinged_at=pinged))
    assert value(metrics, "watchdog_margin_seconds") == 3
    clock.now = 18.5
    assert value(metrics, "watchdog_margin_seconds") == 1.5
    for second in range(19, 200):
        clock.now = float(second)
        metrics.record_turn(turn(clock.now, pinged_at=clock.now))
    assert value(metrics, "watchdog_margin_seconds") == 9


def test_without_a_watchdog_there_is_no_margin(clock: Clock) -> None:
    """Nothing is shown that does not exist."""
    metrics = PrometheusMeter(
        build=BUILD, model="abc", watchdog_s=0, fps_wanted=15, board=lambda: BOARD, clock=clock
    )
    metrics.record_turn(turn())
    assert value(metrics, "watchdog_margin_seconds") is None


def test_another_model_and_rate_are_named(metrics: PrometheusMeter) -> None:
    """After a reload there is one series of build_info, with the model that judges now."""
    metrics.describe(model="d" * 64, fps_wanted=5)
    assert value(metrics, "build_info", **BUILD, model="d" * 12) == 1
    assert value(metrics, "build_info", **BUILD, model="abc") is None
    assert value(metrics, "camera_fps_wanted") == 5


def test_the_board_says_what_it_knows(metrics: PrometheusMeter) -> None:
    """Heat, power, disk, clock; a sensor that is not there has no series."""
    assert value(metrics, "board_temperature_celsius") == 61.5
    assert value(metrics, "board_strain", strain="under_voltage") == 1
    assert value(metrics, "board_strain", strain="throttled") == 0
    assert value(metrics, "board_disk_free_bytes") == 1e9
    assert value(metrics, "board_clock_synchronised") == 0
    assert value(metrics, "board_memory_bytes") is None


def test_a_bad_end_before_is_shown(metrics: PrometheusMeter) -> None:
    """Also after the counter has begun anew."""
    assert value(metrics, "unclean_start") == 0
    metrics.record_event(Event(EventKind.UNCLEAN_END, 0.0))
    assert value(metrics, "unclean_start") == 1


def test_prometheus_gets_them_from_the_port(metrics: PrometheusMeter) -> None:
    """The page parses, and every name begins with the gate's."""
    metrics.record_turn(turn())
    port = metrics.serve("127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "smile_gate_state" in names
    assert all(name.startswith("smile_gate_") for name in names)


def test_the_file_is_whole_and_readable_and_goes_with_the_gate(
    metrics: PrometheusMeter, tmp_path: Path
) -> None:
    """node_exporter runs as another user; a file that stays would tell of a gate that runs."""
    path = tmp_path / "gate.prom"
    metrics.write(path)
    assert list(text_string_to_metric_families(path.read_text()))
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["gate.prom"]
    metrics.write_every(path, 3600)
    metrics.close()
    assert not path.exists()
    metrics.close()


def test_a_file_that_cannot_be_written_is_said_and_no_more(
    metrics: PrometheusMeter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread goes on: the folder may come."""
    metrics.write_every(tmp_path / "none" / "gate.prom", 3600)
    metrics.close()
    assert "metrics.textfile" in caplog.text


def test_a_mistake_in_measuring_does_not_reach_the_loop(
    metrics: PrometheusMeter, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is told wrongly is logged; the gate goes on."""
    metrics.record_commit("long")  # type: ignore[arg-type]  # the mistake
    assert "metrics: record_commit" in caplog.text


def test_by_default_nobody_measures() -> None:
    """The default settings open no port, write no file and load no library."""
    assert type(open_meter(Config(), 0, "")) is Meter


def test_a_port_that_is_taken_stops_no_gate(caplog: pytest.LogCaptureFixture) -> None:
    """One line says which; the rest works."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = Config(metrics=MetricsSettings(port=other.getsockname()[1]))
        with closing(open_meter(config, 0, "")) as meter:
            assert isinstance(meter, PrometheusMeter)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "metrics.port: 127.0.0.1:" in record.getMessage()


def test_without_the_library_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The gate runs without its metrics."""
    monkeypatch.setitem(sys.modules, "gate.interfaces.metrics.prometheus", None)
    assert type(open_meter(Config(metrics=MetricsSettings(port=9273)), 0, "")) is Meter
    (record,) = caplog.records
    assert "pip install 'prometheus-client>=0.20,<1'" in record.getMessage()


@pytest.mark.slow
def test_a_running_gate_tells_what_it_does(write_config: WriteConfig, tmp_path: Path) -> None:
    """From the camera to the file: judged frames, timed stages, the grant of the clip's guest."""
    path = tmp_path / "gate.prom"
    config = write_config(
        camera={"loop": True}, metrics={"textfile": str(path), "textfile_every_s": 1}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "gate", "run", "--config", str(config)], env=dict(os.environ)
    )
    wanted = 'smile_gate_events_total{event="granted",reason="smile_held"} 0.0'
    try:
        until(lambda: path.exists() and wanted not in path.read_text(), "a grant in the file")
        text = path.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["smile_gate_events_total", "granted", "smile_held"] >= 1
    assert samples["smile_gate_frames_total", "judged"] >= 8
    for stage in ("face", "smile", "eyes", "commit", "whole"):
        assert samples["smile_gate_stage_seconds_count", stage] > 0
    assert samples["smile_gate_lane_open",] == 1
    assert not path.exists()
