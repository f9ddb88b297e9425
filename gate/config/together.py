"""What has to fit together in a file: pins, names and interlocks; times of different sections.

What one section can say by itself is in its own validators.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gate.config import Config
from gate.config.settings import suggest
from gate.config.yaml_file import Place, Tree
from gate.core.domain import GATE, HEARTBEAT
from gate.core.rules import RearmRule

PICTURES = 2
"""So many pictures have to come within a time after which one is missed."""

Mistake = tuple[int, str]


def miswired(tree: Tree) -> Iterator[Mistake]:
    """Pins that are used twice, impossible interlocks; as (line, text).

    They are looked for in the file's own values, so that they are told beside all others.
    """
    taken: dict[int, str] = {}
    names: dict[str, Place] = {GATE: ("relay",), HEARTBEAT: ("heartbeat",)}
    for place, pin in _pins(tree.value):
        what = ".".join(str(part) for part in place)
        if pin in taken:
            yield tree.line((*place, "pin")), f"'{what}' uses GPIO {pin}, as '{taken[pin]}' does"
        taken.setdefault(pin, what)
    for index, entry in enumerate(_list(tree.value.get("outputs"))):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            if name in names:
                yield tree.line(("outputs", index, "name")), f"there are two outputs '{name}'"
            names[name] = ("outputs", index)
    for index, pair in enumerate(_list(tree.value.get("interlocks"))):
        line = tree.line(("interlocks", index))
        for name in _list(pair):
            if name not in names:
                yield line, f"'interlocks' names no output: '{name}'{suggest(str(name), names)}"
        if isinstance(pair, list) and len(pair) == 2 and pair[0] == pair[1]:
            yield line, f"'{pair[0]}' cannot be interlocked with itself"


def _pins(values: dict[str, Any]) -> Iterator[tuple[Place, int]]:
    """Every pin of the file, with the place of what uses it; the relay's has a default."""
    places: list[tuple[Place, Any]] = [(("relay",), values.get("relay") or {})]
    places += [(("heartbeat",), values.get("heartbeat") or {})]
    inputs = values.get("inputs")
    places += (
        [(("inputs", name), it) for name, it in inputs.items()] if isinstance(inputs, dict) else []
    )
    places += [(("outputs", index), it) for index, it in enumerate(_list(values.get("outputs")))]
    for place, entry in places:
        if isinstance(entry, dict):
            pin = entry.get("pin", Config().relay.pin if place == ("relay",) else None)
            if isinstance(pin, int):
                yield place, pin


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def at_odds(config: Config, tree: Tree) -> Iterator[Mistake]:
    """Values that are good alone and hurt together, defaults too; as (line, text).

    The line is that of what the file sets: it is seldom the default that was wrong.
    """
    camera, face, rearm = config.camera, config.face, config.rearm
    apart = 1 / camera.fps
    for section, name, value in (
        ("camera", "stale_after_s", camera.stale_after_s),
        ("camera", "stuck_after_s", camera.stuck_after_s),
        ("face", "lost_s", face.lost_s),
    ):
        least = PICTURES * apart
        if value < least:
            yield (
                _line(tree, (section, name), ("camera", "fps")),
                f"'{section}.{name}' must be at least {least:.3g} s with camera.fps {camera.fps:g},"
                f" not {value:g}, or it is over before the next picture; raise it, or camera.fps",
            )
    height = face.region[3]
    if height < face.min_height:
        yield (
            _line(tree, ("face", "region"), ("face", "min_height")),
            f"'face.region' is {height:g} of the picture high, and no face in it can have"
            f" face.min_height ({face.min_height:g}); make the region higher, or the face smaller",
        )
    if rearm.rule is RearmRule.PASSAGE and config.inputs.passage is None:
        yield (
            tree.line(("rearm", "rule")),
            "'rearm.rule' is passage, and nothing tells of one; give inputs.passage its pin, or"
            " choose face_gone",
        )


def _line(tree: Tree, *places: Place) -> int:
    """The line of the first place that the file has."""
    return next((tree.lines[place] for place in places if place in tree.lines), 1)
