"""Settings that have to fit together, the defaults too."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from gate.config import Config, RelayMode
from gate.config.load import load
from gate.config.settings import every_setting
from gate.core.controller import Controller
from gate.core.domain import EventKind, Position, Signal, State, Trigger
from gate.core.machine import deadline
from gate.core.recorder import DirectWriter
from gate.core.rules import RearmRule
from gate.errors import ConfigError
from tests.config.test_mistakes import file_with
from tests.fakes import ListRecorder, ListRelay, seen


def ends(limits: str) -> list[str]:
    """The values at the ends of a range, or the words that a setting may have."""
    past = {"above": math.inf, "below": -math.inf}
    found = re.findall(r"(from|to|above|below) (-?[0-9.e+-]*[0-9])", limits)
    if found:
        given = [(word, float(number)) for word, number in found]
        values = [math.nextafter(end, past[word]) if word in past else end for word, end in given]
        return [f"{int(value)}" if value.is_integer() else repr(value) for value in values]
    return [word for word in limits.split(", ") if re.fullmatch(r"[a-z_0-9]+", word)]


RANGES = [(one.name, value) for one in every_setting() for value in ends(one.limits)]
RANGES += [(one.name, "true") for one in every_setting() if one.type == "true or false"]
RANGES += [(one.name, "false") for one in every_setting() if one.type == "true or false"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), RANGES)
def test_a_gate_can_live_with_every_file_that_is_taken(
    name: str, value: str, tmp_path: Path
) -> None:
    """Each end of each setting's range alone: refused in a line, or a gate that works with it."""
    path = tmp_path / "gate.yaml"
    path.write_text(file_with(name, value) + "\n")
    try:
        config = load(path)
    except ConfigError:
        return
    lives(config)


def lives(config: Config) -> None:
    """Fail where a gate with these settings, all parts being well, does not do its work."""
    camera, relay = config.camera, config.relay
    apart = 1 / camera.fps
    assert apart < camera.stale_after_s, "at fault between two pictures"
    assert apart < camera.stuck_after_s, "opened anew between two pictures"
    assert camera.retry_first_s <= camera.retry_max_s
    assert config.light.darkest < config.light.brightest, "no face is ever bright enough"
    assert config.face.min_height <= config.face.region[3], "no face is ever large enough"
    assert config.rearm.rule is not RearmRule.PASSAGE or config.inputs.passage
    assert config.store.grant_within_s >= 0.05, "no card is as fast"
    on_s = relay.pulse_s if relay.mode is RelayMode.PULSE else relay.hold_s
    assert 0.01 <= on_s <= relay.hold_s < relay.max_on_s
    log, line = ListRecorder(), ListRelay()
    rules = config.rules(0.5)
    control, now = Controller(rules, DirectWriter(log), line), 0.0
    control.process(Signal(Trigger.OPENED), now)
    for guest in (1, 2):
        for _ in range(rules.frames + 2):
            control.tick(now)  # the loop's turn just before the picture
            control.observe(seen(1.0), now)
            if control.lane.state is State.GRANTED:
                break
            now += apart
        assert log.kinds().count(EventKind.GRANTED) == guest, "a guest who smiles is let in"
        begun = now
        while control.lane.state is not State.IDLE:  # nobody is there now: time does the rest
            at = deadline(rules, control.lane)
            assert at is not None
            now = max(at, now)
            control.tick(now)
            if control.lane.state is State.GRANTED:
                assert now - begun <= relay.max_on_s
        assert line.history[-1] is Position.SAFE
    assert EventKind.FAULT not in log.kinds()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camera: {retry_first_s: 60}", "'camera.retry_max_s' must be at least retry_first_s (60)"),
        ("light: {darkest: 250}", "'light.brightest' must be above darkest (250)"),
        ("relay: {hold_s: 12}", "'relay.max_on_s' must be at least 12.5 (hold_s 12 and 0.5 s)"),
        ("camera: {fps: 0.5}", "'camera.stale_after_s' must be at least 4 s with camera.fps 0.5"),
        ("camera: {stale_after_s: 0.1}", "'camera.stale_after_s' must be at least 0.133 s"),
        ("face: {lost_s: 0.1}", "'face.lost_s' must be at least 0.133 s with camera.fps 15"),
        ("face: {region: [0, 0, 1, 0.05]}", "'face.region' is 0.05 of the picture high, and no"),
        ("face: {min_height: 0.5, region: [0, 0, 1, 0.4]}", "'face.region' is 0.4 of the picture"),
        ("rearm: {rule: passage}", "'rearm.rule' is passage, and nothing tells of one"),
    ],
)
def test_settings_that_hurt_together_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """A rule between two settings holds where one of them is a default."""
    path = tmp_path / "gate.yaml"
    path.write_text(f"\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).splitlines()[0].startswith(f"{path}:2: {said}")
