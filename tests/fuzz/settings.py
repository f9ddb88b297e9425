"""Settings' files: what is refused is told by file and line; what is accepted can be used."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gate.config import Config
from gate.config.changes import differences, flat
from gate.config.load import LONGEST, MOST_LINES, load, restored
from gate.config.settings import every_setting, sections
from gate.core.opening_hours import is_open
from gate.errors import ConfigError
from gate.hardware.from_config import input_lines, lines_in_force
from gate.hardware.lines_file import parse
from gate.service.jobs import Jobs
from tests.fuzz.target import Target, corpus, edited

NAMES = sorted({setting.name.rpartition(".")[2] for setting in every_setting()} | set(sections()))
SCALARS: tuple[Any, ...] = (
    *(0, 1, -1, 17, 27, 28, 2**40, 10**18, 10**4000, 0.0, -0.0, 0.5, 1e9, 1e308, 5e-324),
    *(True, False, None, "", "x", "auto", "off", "yes", "5s", "9:30", "24:00", "00:00", "23:59Z"),
    *("09:00+02:00", "Europe/Berlin", "../x", "~/x", "rtsp://u:p@h/1", "picamera", "0", "\u202e"),
    *("mon", ["mon"], ["sat", "sun"], [], {}, [[]], "a" * 300, "lgpio", "mock", "17", "GPIO17"),
)
MOMENTS = [datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in range(0, 24, 5)]


def written() -> list[bytes]:
    """A file with every setting, and one for each section."""
    shown = Config().model_dump(mode="json")
    lane = {"hours": [{"days": ["mon"], "opens": "09:00", "closes": "02:30"}], "zone": "Asia/Tokyo"}
    inputs = {"emergency": {"pin": 5}, "request_to_exit": {"pin": 6, "pull": "down"}}
    outputs = [{"name": "red", "pin": 22, "on_in": ["idle"]}]
    some = {
        "lane": lane,
        "inputs": inputs,
        "outputs": outputs,
        "relay": {"pin": 27, "mode": "pulse", "pulse_s": 0.5},
        "interlocks": [["gate", "red"]],
    }
    files = [shown, some, *({name: value} for name, value in shown.items())]
    return [json.dumps(file, indent=1).encode() for file in files]


def built() -> st.SearchStrategy[bytes]:
    """Files whose names are right, and whose values may be anything."""
    values = st.sampled_from(SCALARS)
    entries = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
    places = st.dictionaries(
        st.sampled_from(NAMES), entries | values | st.lists(entries), max_size=3
    )
    return places.map(lambda tree: json.dumps(tree).encode())


def check(folder: Path, data: bytes) -> None:
    """One line a mistake with its place, or settings that every part can live with."""
    path = folder / "gate.yaml"
    path.write_bytes(data)
    try:
        config = load(path)
    except ConfigError as error:
        lines = str(error).split("\n")
        assert len(lines) <= MOST_LINES + 1, "too many lines"
        for line in lines:
            assert re.match(rf"{re.escape(str(path))}(:\d+)?: .", line), line
            assert len(line) <= len(str(path)) + LONGEST + 20, line
            assert line.isprintable(), line
        return
    use(config)


def use(config: Config) -> None:
    """Ask of the settings what a gate would, and keep them as it does."""
    assert not differences(config, restored(json.loads(json.dumps(flat(config)))))
    config.rules(0.5)
    in_force = lines_in_force(config)
    assert parse(in_force.as_json().encode()) == in_force
    input_lines(config)
    for moment in MOMENTS:
        is_open(config.lane.hours, moment.astimezone(config.lane.zone))
    jobs = Jobs(config.lane.hours, lambda *_: None, zone=config.lane.zone)
    try:
        jobs.next_change()
    finally:
        jobs.close()


WORDS = [b"&a ", b"*a", b"!!x ", b"[" * 30, b"{", b"- ", b"\t", b"\xff", b"---\n", b"%YAML 9\n"]
WORDS += [b"'", b'"\\UFFFFFFFF"', b"9" * 5000, b"\xef\xbb\xbf", b"\x00", b"\r", b"?", b": ", b"#"]

SETTINGS = Target(
    "settings",
    "a file is refused by lines of FILE:LINE: MESSAGE, or every part can live with it",
    150_000,
    edited([*written(), *corpus("settings")], WORDS) | built(),
    check,
)
