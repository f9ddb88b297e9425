"""What people write, and what it is taken for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.config.changes import flat
from gate.config.load import load
from gate.errors import ConfigError


def value(tmp_path: Path, name: str, written: str) -> Any:
    """What a setting is after a file that says it so."""
    section, _, key = name.partition(".")
    path = tmp_path / "gate.yaml"
    line = f"{section}:\n  {key}: {written}\n" if key else f"{name}: {written}\n"
    path.write_text(line, encoding="utf-8")
    return flat(load(path))[name]


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("relay.hold_s", "5s", 5),
        ("relay.hold_s", "5 s", 5),
        ("relay.hold_s", '"5"', 5),
        ("relay.hold_s", "2.5 sec", 2.5),
        ("relay.hold_s", "0,5", 0.5),
        ("relay.hold_s", "0,5s", 0.5),
        ("relay.pulse_s", "500ms", 0.5),
        ("relay.pulse_s", "80 ms", 0.08),
        ("relay.max_on_s", "2min", 120),
        ("rearm.after_s", "1h", 3600),
        ("store.keep_days", "30d", 30),
        ("store.keep_days", "2 weeks", 14),
        ("store.keep_megabytes", "500 MB", 500),
        ("camera.width", "640px", 640),
        ("camera.fps", "15 fps", 15),
        ("camera.rotate", "90°", 90),
        ("camera.rotate", '"180"', 180),
        ("smile.frames", "8 frames", 8),
        ("smile.frames", "8.0", 8),
        ("smile.threshold", '"0,7"', 0.7),
        ("smile.threshold", "None", None),
        ("relay.active_high", "yes", True),
        ("relay.active_high", "No", False),
        ("eyes.required", "off", False),
        ("eyes.required", '"ON"', True),
        ("eyes.required", "TRUE", True),
        ("relay.pin", "GPIO18", 18),
        ("relay.pin", "gpio 18", 18),
        ("relay.pin", "BCM18", 18),
        ("relay.pin", '"18"', 18),
        ("heartbeat.pin", "GPIO23", 23),
        ("relay.power_loss", "Fail-Safe", "fail_safe"),
        ("relay.mode", "Pulse", "pulse"),
        ("rearm.rule", "cool down", "cool_down"),
        ("liveness.mode", "OFF", "off"),
        ("gate.id", "007", "007"),
        ("gate.id", "off", "off"),
        ("gate.id", "2026", "2026"),
        ("gate.id", "Köln 🎡", "Köln 🎡"),
        ("camera.source", '"0"', 0),
        ("store.upkeep_at", "3:30", "03:30:00"),
        ("store.upkeep_at", '"3:30"', "03:30:00"),
        ("store.upkeep_at", "3h30", "03:30:00"),
        ("store.upkeep_at", "3h", "03:00:00"),
        ("store.upkeep_at", "3 am", "03:00:00"),
        ("store.upkeep_at", "12:05 am", "00:05:00"),
        ("store.upkeep_at", "9:30 p.m.", "21:30:00"),
        ("face.region", "0.1, 0, 0.8, 1", [0.1, 0, 0.8, 1]),
        ("face.region", "0.1 0 0.8 1", [0.1, 0, 0.8, 1]),
        ("lane.timezone", "europe/berlin", "Europe/Berlin"),
        ("lane.timezone", "none", None),
        ("control.socket", "none", None),
        ("interlocks", "[gate, heartbeat]", [["gate", "heartbeat"]]),
        ("control.readers", "auditors", ["auditors"]),
        ("control.readers", "auditors, fleet", ["auditors", "fleet"]),
    ],
)
def test_what_can_mean_one_thing_is_understood(
    tmp_path: Path, name: str, written: str, meant: object
) -> None:
    """Units, commas, truth values, pins, words in other letters, times: as people write them."""
    assert value(tmp_path, name, written) == meant


@pytest.mark.parametrize(
    ("name", "written", "advice"),
    [
        ("relay.hold_s", "1,000", "write 1000 or 1.000"),
        ("relay.hold_s", "5m", 'is a number in seconds, not "5m"; write 5 (5min is five minutes)'),
        ("relay.hold_s", "fast", 'must be a number of seconds, not "fast"'),
        ("relay.hold_s", "5min 3s", "must be a number of seconds"),
        ("face.min_height", "10%", "write 0.1"),
        ("smile.frames", "2.5", "must be a whole number, not 2.5"),
        ("store.keep_megabytes", "2GB", "is a number in megabytes"),
        ("relay.active_high", "1", "must be true or false, not 1"),
        ("relay.active_high", "maybe", "must be true or false"),
        ("relay.pin", "pin 11", "must be a whole number"),
        ("relay.pin", "GPIO40", "must be at most 27, not 40"),
        ("store.upkeep_at", "9", 'write "09:00"'),
        ("store.upkeep_at", "9.30", 'write "09:30"'),
        ("store.upkeep_at", "24:00", 'write "00:00"'),
        ("store.upkeep_at", "25:00", "must be a time on the lane's own clock"),
        ("store.upkeep_at", "13:00 pm", "must be a time on the lane's own clock"),
        ("liveness.mode", "false", "must be off, neutral_first, blink or both, not false"),
    ],
)
def test_what_can_mean_two_things_is_refused_with_what_to_write(
    tmp_path: Path, name: str, written: str, advice: str
) -> None:
    """Nothing is guessed: the line says what to write."""
    with pytest.raises(ConfigError) as caught:
        value(tmp_path, name, written)
    (line,) = str(caught.value).splitlines()
    assert f":2: '{name}' " in line
    assert advice in line


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("[Sat, sunday]", ["sat", "sun"]),
        ("sat", ["sat"]),
        ("mon, Wed", ["mon", "wed"]),
        ("mon-fri", ["mon", "tue", "wed", "thu", "fri"]),
        ("[fri - mon]", ["fri", "sat", "sun", "mon"]),
        ("[Thurs, weekend]", ["thu", "sat", "sun"]),
        ("daily", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    ],
)
def test_days_are_understood_as_people_say_them(
    tmp_path: Path, written: str, days: list[str]
) -> None:
    """Full names, short names, spans and sets of days."""
    path = tmp_path / "gate.yaml"
    path.write_text(f"lane:\n  hours:\n    days: {written}\n    opens: 9:30\n    closes: 24:00\n")
    (span,) = load(path).lane.hours
    assert [str(day) for day in span.days] == days
    assert (str(span.opens), str(span.closes)) == ("09:30:00", "00:00:00")


def test_a_day_that_is_none_is_named_with_those_there_are(tmp_path: Path) -> None:
    """Each wrong word has its line."""
    path = tmp_path / "gate.yaml"
    path.write_text("lane:\n  hours:\n  - days:\n    - mon\n    - someday\n    opens: 9:00\n"
                    "    closes: 10:00\n")  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}:5: 'lane.hours.0.days.1' is no day: \"someday\"; write some of mon, tue, wed, thu,"
        " fri, sat, sun, or mon-fri"
    )


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home of who reads the file, not a folder of that name beside it."""
    monkeypatch.setenv("HOME", "/home/anna")
    path = tmp_path / "gate.yaml"
    path.write_text("store: {path: ~/audit.db, backup_to: ~/copies}\ncamera: {source: ~/a.avi}\n")
    config = load(path)
    assert config.store.path == Path("/home/anna/audit.db")
    assert config.store.backup_to == Path("/home/anna/copies")
    assert config.camera.source == "/home/anna/a.avi"


def test_a_whole_day_may_be_written_out(tmp_path: Path) -> None:
    """From 00:00 to 24:00 is a day; any other time twice is a slip, and the line says so."""
    path = tmp_path / "gate.yaml"
    path.write_text("lane: {hours: [{days: sat, opens: 0:00, closes: 24:00}]}\n")
    (span,) = load(path).lane.hours
    assert span.opens == span.closes
    path.write_text("lane: {hours: [{days: sat, opens: 9:00, closes: 9:00}]}\n")
    with pytest.raises(ConfigError, match="must differ from 'opens'"):
        load(path)
