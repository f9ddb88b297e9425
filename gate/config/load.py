"""The YAML file of the technician → a frozen `Config`; every mistake at once, with its line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gate.config import Config
from gate.config.mistakes import in_words
from gate.config.settings import Setting, every_setting, sections, suggest
from gate.config.spelling import understand
from gate.config.together import Mistake, at_odds, miswired
from gate.config.yaml_file import Place, Tree, load_tree
from gate.errors import ConfigError

__all__ = ["Config", "load"]

MOST_LINES = 20
"""Mistakes that are told at once; a file with more of them is another file."""
LONGEST = 300
"""Characters of a mistake: what was written wrongly may be long."""


def load(path: Path) -> Config:
    """Read a configuration file.

    Relative paths in it are relative to the file, and ``~`` is the home of who reads it. What
    people write otherwise than the settings have it is understood where it can mean one thing only
    (`gate.config.spelling`). Raises `ConfigError` with one ``file:line: message`` line for each
    mistake, up to `MOST_LINES` of them.
    """
    return read(path)[0]


def read(path: Path) -> tuple[Config, Tree]:
    """The settings of a file, and the lines of its values; see `load`. Raises `ConfigError`."""
    tree = load_tree(path)
    understand(tree, Config)
    mistakes = list(miswired(tree))
    try:
        config = Config.model_validate_json(json.dumps(tree.value))
    except ValidationError as error:
        mistakes += _said(tree, error.errors())
    else:
        mistakes += at_odds(config, tree)
    mistakes += tree.mistakes
    if mistakes:
        raise ConfigError("\n".join(_lines(path, sorted(mistakes))))
    return _absolute(config, path.resolve().parent), tree


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


def _said(tree: Tree, errors: Sequence[Any]) -> Iterator[Mistake]:
    """Pydantic's mistakes as (line, text), one for each value: a union finds one a branch."""
    values: dict[Place, list[Any]] = {}
    for found in errors:
        # A union adds the name of its branch to the place: keep what the file really has.
        place = tree.known(found["loc"])
        if place in tree.spoiled:
            continue
        if found["type"] == "value_error" and found["loc"][:-1] == place:
            name = ".".join(map(str, found["loc"]))  # a default does not go with what is set
            yield tree.line(place), f"'{name}' {in_words([found], _setting(found['loc']))}"
        elif found["type"] == "extra_forbidden":
            yield tree.line(place), _unknown(place)
        elif found["type"] == "missing" and isinstance(found["loc"][-1], str):
            name = ".".join(map(str, place))
            yield tree.line(place), f"'{name}' needs '{found['loc'][-1]}'"
        else:
            values.setdefault(place, []).append(found)
    for place, several in values.items():
        name = ".".join(map(str, place))
        yield tree.line(place), f"'{name}' {in_words(several, _setting(place))}"


def _unknown(place: Place) -> str:
    """What is said of a setting that there is not."""
    unknown, section = str(place[-1]), place[:-1]
    near = suggest(unknown, _settings(section)) or _elsewhere(unknown, section)
    slip = re.fullmatch(r"([a-z_]+)(?::| +)(\S+)", unknown)
    if unknown.isdigit() and section:
        near = "; a comma divides what stands between { and }: write 0.5, not 0,5"
    elif slip and slip[1] in _settings(section):
        near = f" (did you mean '{slip[1]}: {slip[2]}'?)"
    return f"unknown setting '{'.'.join(map(str, place))}'{near}"


def _setting(place: Place) -> Setting | None:
    """What is said of the setting at a place of the file."""
    name = ".".join(part for part in place if isinstance(part, str))
    return next((one for one in every_setting() if one.name == name), None)


def _settings(section: Place) -> list[str]:
    """The names that a section of the file may have."""
    name = ".".join(part for part in section if isinstance(part, str))
    return list(sections().get(name, Config).model_fields)


def _elsewhere(word: str, section: Place) -> str:
    """A hint at the section that has the setting, for one that stands in the wrong place."""
    homes = [name for name in _settings(()) if section != (name,) and word in _settings((name,))]
    return f" (did you mean '{homes[0]}.{word}'?)" if homes else ""


def _absolute(config: Config, folder: Path) -> Config:
    """Resolve the relative paths of the file against its folder, and ``~``."""

    def full(path: Path | None) -> Path | None:
        return path and folder / os.path.expanduser(path)

    source = config.camera.source
    if isinstance(source, str) and not _is_no_file(source):
        source = str(full(Path(source)))
    metrics, control, store = config.metrics, config.control, config.store
    model = config.smile.model
    return config.model_copy(
        update={
            "camera": config.camera.model_copy(update={"source": source}),
            "smile": config.smile.model_copy(update={"model": full(model)}),
            "metrics": metrics.model_copy(update={"textfile": full(metrics.textfile)}),
            "control": control.model_copy(update={"socket": full(control.socket)}),
            "store": store.model_copy(
                update={"path": full(store.path), "backup_to": full(store.backup_to)}
            ),
        }
    )


def _is_no_file(source: str) -> bool:
    """Whether a source is a camera's name or number, an address, or comes from a credential."""
    return source == "picamera" or source.isdigit() or "://" in source or source.startswith("${")
