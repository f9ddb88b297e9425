"""The YAML file of the technician → a frozen `Config`; every mistake at once, with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gate.config import Config
from gate.config.settings import sections, suggest
from gate.config.yaml_file import Place, Tree, load_tree
from gate.core.domain import GATE, HEARTBEAT
from gate.errors import ConfigError

__all__ = ["Config", "load"]

MOST_LINES = 20
"""Mistakes that are told at once; a file with more of them is another file."""
LONGEST = 300
"""Characters of a mistake: what was written wrongly may be long."""


def load(path: Path) -> Config:
    """Read a configuration file.

    Relative paths in it are relative to the file. Raises `ConfigError` with one
    ``file:line: message`` line for each mistake, up to `MOST_LINES` of them.
    """
    tree = load_tree(path)
    mistakes = [*tree.mistakes, *_miswired(tree)]
    try:
        config = Config.model_validate_json(json.dumps(tree.value))
    except ValidationError as error:
        spoiled = {line for line, _ in tree.mistakes}  # a value that was left out is no news
        said = (_say(tree, found["loc"], found["type"], found) for found in error.errors())
        mistakes += [(line, text) for line, text in said if line not in spoiled]
    if mistakes:
        raise ConfigError("\n".join(_lines(path, sorted(mistakes))))
    return _absolute(config, path.resolve().parent)


def _lines(path: Path, mistakes: list[tuple[int, str]]) -> Iterator[str]:
    """What is said of the file, from its first line on."""
    for line, text in mistakes[:MOST_LINES]:
        yield f"{path}:{line}: {text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}"
    if len(mistakes) > MOST_LINES:
        line, more = mistakes[MOST_LINES][0], len(mistakes) - MOST_LINES
        yield f"{path}:{line}: and {more} more; is this the right file?"


def restored(values: dict[str, Any]) -> Config:
    """The settings that a running gate wrote down, `gate.config.changes.flat`.

    Raises ValueError where they are none of this version's.
    """
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, entry = name.partition(".")
        if entry:
            nested.setdefault(section, {})[entry] = value
        else:
            nested[section] = value
    return Config.model_validate_json(json.dumps(nested))


def _miswired(tree: Tree) -> Iterator[tuple[int, str]]:
    """Mistakes between the sections, as (line, text): pins used twice, impossible interlocks.

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


def _say(tree: Tree, where: Place, kind: str, mistake: Any) -> tuple[int, str]:
    """One of pydantic's mistakes as (line, text)."""
    # A union adds the name of its branch to the place: keep what the file really has.
    place = tree.known(where)
    is_default = kind == "value_error" and where[:-1] == place  # it does not go with what is set
    name = ".".join(str(part) for part in (where if is_default else place))
    if kind == "extra_forbidden":
        unknown, section = str(place[-1]), place[:-1]
        near = suggest(unknown, _settings(section)) or _elsewhere(unknown, section)
        return tree.line(place), f"unknown setting '{name}'{near}"
    if kind == "missing":
        return tree.line(place), f"'{name}' needs '{where[-1]}'"
    text = str(mistake["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    text = text.replace("valid integer", "whole number").replace("valid number", "number")
    given = f", not {json.dumps(mistake['input'], default=str)}" if "should" in text else ""
    return tree.line(place), f"'{name}' {text}{given}"


def _settings(section: Place) -> list[str]:
    """The names that a section of the file may have."""
    name = ".".join(part for part in section if isinstance(part, str))
    return list(sections().get(name, Config).model_fields)


def _elsewhere(word: str, section: Place) -> str:
    """A hint at the section that has the setting, for one that stands in the wrong place."""
    homes = [name for name in _settings(()) if section != (name,) and word in _settings((name,))]
    return f" (did you mean '{homes[0]}.{word}'?)" if homes else ""


def _absolute(config: Config, folder: Path) -> Config:
    """Resolve the relative paths of the file against its folder."""
    source = config.camera.source
    if isinstance(source, str) and not _is_no_file(source):
        source = str(folder / source)
    model = config.smile.model
    return config.model_copy(
        update={
            "camera": config.camera.model_copy(update={"source": source}),
            "smile": config.smile.model_copy(update={"model": model and folder / model}),
            "metrics": config.metrics.model_copy(
                update={"textfile": config.metrics.textfile and folder / config.metrics.textfile}
            ),
            "control": config.control.model_copy(
                update={"socket": config.control.socket and folder / config.control.socket}
            ),
            "store": config.store.model_copy(
                update={
                    "path": folder / config.store.path,
                    "backup_to": config.store.backup_to and folder / config.store.backup_to,
                }
            ),
        }
    )


def _is_no_file(source: str) -> bool:
    """Whether a source is a camera's name or number, an address, or comes from a credential."""
    return source == "picamera" or source.isdigit() or "://" in source or source.startswith("${")
