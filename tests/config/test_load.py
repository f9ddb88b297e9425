from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate.config import Config
from gate.config.load import load
from gate.core.rules import RearmRule
from gate.errors import ConfigError

CLOCK = "must be a time on the lane's own clock, like 09:30 and without a zone"
DEFAULT = Path(__file__).parents[2] / "config" / "gate.yaml"


def mistakes(tmp_path: Path, text: str) -> list[str]:
    """What is said about a file, without the file's name."""
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_the_default_file_says_the_defaults_and_every_setting() -> None:
    """config/gate.yaml loads as the built-in defaults, and no setting is missing in it."""
    assert load(DEFAULT).digest() == Config().digest()
    text = DEFAULT.read_text()
    for section, model in Config():
        assert re.search(rf"^{section}:", text, re.MULTILINE)
        for name in getattr(type(model), "model_fields", ()):
            assert re.search(rf"^  {name}:", text, re.MULTILINE), f"{section}.{name}"


def test_all_mistakes_are_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    """Seven different mistakes in a file are seven lines."""
    said = mistakes(
        tmp_path,
        """camera:
  widht: 640
  fps: fast
smile: {frames: 0, threshold: 1.5}
relay:
  hold_s: 20
  max_on_s: 3
  pin: 99
eyez: {}
""",
    )
    assert said == [
        "2: unknown setting 'camera.widht' (did you mean 'width'?)",
        "3: 'camera.fps' must be a number, not \"fast\"",
        "4: 'smile.frames' must be at least 1, not 0",
        "4: 'smile.threshold' must be below 1, not 1.5",
        "7: 'relay.max_on_s' must be at least 20.5 (hold_s 20 and 0.5 s), or the limit cuts"
        " each grant",
        "8: 'relay.pin' must be at most 27, not 99",
        "9: unknown setting 'eyez' (did you mean 'eyes'?)",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hold_s: 3\n", "1: unknown setting 'hold_s' (did you mean 'relay.hold_s'?)"),
        ("gate: {id: a}\ngate: {id: b}\n", "2: 'gate' is set twice, first in line 1"),
        ("- a\n", "1: this is a list, not settings; begin with the name of"),
        (
            "smile:\n  frames: 2.5\n",
            "2: 'smile.frames' must be a whole number, not 2.5",
        ),
        ("eyes:\n  open: none\n", "2: 'eyes.open' must be both or one, not \"none\""),
        (
            "smile:\n  frames: .nan\n",
            "2: 'smile.frames' must be a whole number",
        ),
        (
            "gate:\n  id: !!python/name:os.system\n",
            "2: tag 'tag:yaml.org,2002:python/name:os.system'",
        ),
        ("lane:\n  timezone: Europe/Berlim\n", "2: 'lane.timezone' is no time zone"),
        ("relay: {pin: 4}\noutputs:\n- {name: a, pin: 4}\n", "3: 'outputs.0' uses GPIO 4, as 're"),
        ("inputs:\n  door:\n    pin: 17\n", "3: 'inputs.door' uses GPIO 17, as 'relay' does"),
        ("interlocks:\n- [gate, gate]\n", "2: 'gate' cannot be interlocked with itself"),
        ("interlocks:\n- [gate, lamp]\n", "2: 'interlocks' names no output: 'lamp'"),
        ("inputs:\n  door: {pin: 40}\n", "2: 'inputs.door.pin' must be at most 27"),
        ("inputs:\n  door: {pin: 5, pul: up}\n", "2: unknown setting 'inputs.door.pul' (did you"),
        ("outputs:\n- {name: gate, pin: 5}\n", "2: there are two outputs 'gate'"),
        ("relay: {mode: pulse, pulse_s: 3, hold_s: 1}\n", "1: 'relay.hold_s' must be at least pul"),
        ("relay: {mode: pulse, pulse_s: 6}\n", "1: 'relay.hold_s' must be at least pulse_s (6)"),
        ("relay: {hold_s: 4, max_on_s: 4}\n", "1: 'relay.max_on_s' must be at least 4.5 (hold_s"),
        ("relay:\n  hold_s: 9.8\n", "1: 'relay.max_on_s' must be at least 10.3 (hold_s 9.8 and"),
        ("face: {region: [0.5, 0, 0.6, 1]}\n", "1: 'face.region' must be [left, top, width"),
        ("lane:\n  hours:\n  - opens: 09:30\n", "3: 'lane.hours.0' needs 'closes'"),
        ("store: {upkeep_at: 03:00Z}\n", f"1: 'store.upkeep_at' {CLOCK}, not \"03:00Z\""),
        ("store: {upkeep_at: 03:00+01:00}\n", f"1: 'store.upkeep_at' {CLOCK}"),
        ("store: {upkeep_at: 25:00}\n", f"1: 'store.upkeep_at' {CLOCK}"),
        (
            "store: {upkeep_at: 9}\n",
            '1: \'store.upkeep_at\' is a time of day, not "9"; write "09:00"',
        ),
        ("lane: {hours: [{opens: 09:00Z, closes: 10:00}]}", f"1: 'lane.hours.0.opens' {CLOCK}"),
        ("lane: {hours: [{opens: 09:00, closes: 10:00:00.5}]}", "1: 'lane.hours.0.closes' must"),
        ("camera:\n  retry_first_s: 9\n  retry_max_s: 3\n", "3: 'camera.retry_max_s' must be at"),
    ],
)
def test_a_mistake_says_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    """Each kind of mistake has its line and its words."""
    (line,) = mistakes(tmp_path, text)
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camera: [\n", "ends within a bracket"),
        ("a: b: c\n", "two ': '"),
        ("\tgate:\n", "a tab stands here"),
    ],
)
def test_a_file_that_is_not_yaml_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """A broken file says where it breaks."""
    (line,) = mistakes(tmp_path, text)
    assert said in line


def test_a_missing_or_binary_file_is_one_line(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load(binary)
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load(tmp_path)


def test_words_keep_their_meaning(tmp_path: Path) -> None:
    """A time is a time and 'off' a word; in YAML 1.1 they would be a number and false."""
    path = tmp_path / "gate.yaml"
    path.write_text(
        "gate: {id: off}\nlane:\n  hours:\n  - {opens: 09:30, closes: 10:00}\n"
        "rearm: {rule: cool_down}\ncamera: {source: 0, fps: 15}\nface:\n"
    )
    config = load(path)
    assert config.gate.id == "off"
    assert config.lane.hours[0].opens.minute == 30
    assert config.rearm.rule is RearmRule.COOL_DOWN
    assert config.camera.source == 0


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A clip or database beside the file is found wherever the daemon is started."""
    path = tmp_path / "gate.yaml"
    path.write_text("camera: {source: clip.mp4}\nstore: {path: audit.db}\n")
    config = load(path)
    assert config.camera.source == str(tmp_path / "clip.mp4")
    assert config.store.path == tmp_path / "audit.db"
    path.write_text("camera: {source: /dev/video0}\n")
    assert load(path).camera.source == "/dev/video0"


@pytest.mark.parametrize("source", ['"0"', "0", "picamera", "rtsp://10.0.0.7/live"])
def test_a_cameras_name_or_number_is_no_path(tmp_path: Path, source: str) -> None:
    """A number in quotes is the camera of that number, and no file beside the settings."""
    path = tmp_path / "gate.yaml"
    path.write_text(f"camera: {{source: {source}}}")
    assert str(load(path).camera.source) == source.strip('"')


def test_the_rules_follow_the_settings(tmp_path: Path) -> None:
    """The card's threshold holds unless the file names one; eyes become a number of eyes."""
    assert Config().rules(0.7).threshold == 0.7
    path = tmp_path / "gate.yaml"
    path.write_text("smile: {threshold: 0.6}\neyes: {open: one}\n")
    rules = load(path).rules(0.7)
    assert (rules.threshold, rules.eyes) == (0.6, 1)
    path.write_text("eyes: {required: false}\n")
    assert load(path).rules(0.7).eyes == 0
