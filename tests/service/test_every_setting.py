"""Every setting, changed in a running gate, does what its field says of how it is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from gate.config import Applied
from gate.config.settings import applied, every_setting
from gate.errors import ConfigError
from tests.service.walk.effects import EFFECTS, Effect
from tests.service.walk.gate import Gate, write
from tests.service.walk.world import World

Begin = Callable[[Effect, dict[str, Any]], Gate]

BASE: dict[str, dict[str, Any]] = {
    "camera": {"source": "clip.avi", "stale_after_s": 3600, "stuck_after_s": 3600},
    "relay": {"pin_factory": "mock"},
    "store": {"path": "audit.db"},
    "control": {"socket": None},
}


def values(name: str, effect: Effect, value: object) -> dict[str, Any]:
    """The gate's file with this value of the setting; of a list its first entry is changed."""
    whole: dict[str, Any] = deepcopy(BASE)
    for section, entries in deepcopy(effect.base).items():
        whole[section] = whole.get(section, {}) | entries if section in BASE else entries
    *above, key = name.split(".")
    inner = whole
    for part in above:
        inner = inner.setdefault(part, {})
        inner = inner[0] if isinstance(inner, list) else inner
    inner[key] = value
    return whole


@pytest.fixture
def begin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Begin]:
    """Start a gate in a world of its own; each start ends the one before."""
    with ExitStack() as all_of_them:
        running = all_of_them.enter_context(ExitStack())
        number = iter(range(9))

        def start(effect: Effect, config: dict[str, Any]) -> Gate:
            running.close()
            folder = tmp_path / str(next(number))
            folder.mkdir()
            world = World(folder, caplog)
            effect.world(world)
            world.patch(running.enter_context(pytest.MonkeyPatch.context()))
            write(folder, config)
            return Gate(world, running)

        yield start


def walk(name: str, way: Applied, begin: Begin) -> None:
    """Change a setting in a running gate.

    It takes effect by the declared ``way`` of being applied, and by no other: what is declared to
    need a restart is refused, and the other ways alone do not bring it about.
    """
    effect = EFFECTS[name]
    old, new = (values(name, effect, value) for value in (effect.old, effect.new))
    gate = begin(effect, old)
    write(gate.world.folder, new)
    if way is Applied.RESTART:
        with pytest.raises(ConfigError, match=r"can only change by a restart"):
            gate.reload()
    if way is not Applied.NOW:
        gate.reload(without=way)
    shown = effect.shown(gate)
    assert shown == effect.gives[0], f"{name} takes effect without {way}: {shown}"
    gate = begin(effect, new if way is Applied.RESTART else old)
    if way is not Applied.RESTART:
        write(gate.world.folder, new)
        gate.reload()
    shown = effect.shown(gate)
    assert shown == effect.gives[1], f"{name} has no effect by {way}: {shown}"


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in every_setting()])
def test_a_changed_setting_takes_effect_as_its_field_says(name: str, begin: Begin) -> None:
    """Applied by a reload it shows in the gate's world; refused, only a restart makes it show."""
    walk(name, applied(name), begin)


def test_it_is_said_how_each_setting_shows() -> None:
    """Each setting has its effect, without exception, and each effect its setting."""
    names = {one.name for one in every_setting()}
    assert EFFECTS.keys() == names, "say in tests/service/walk/effects.py how it shows"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (name, wrong)
        for name in ("relay.hold_s", "relay.pin", "camera.width", "face.min_height", "store.path")
        for wrong in Applied
        if wrong is not applied(name)
    ],
)
def test_a_wrong_declaration_is_found(
    name: str, wrong: Applied, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is declared of a setting, the walk fails."""
    monkeypatch.setattr(
        "gate.service.reload.applied", lambda one: wrong if one == name else applied(one)
    )
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        walk(name, wrong, begin)
