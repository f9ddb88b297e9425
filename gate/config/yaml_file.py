"""A YAML file as plain values that know their lines.

Only ``true`` and ``false`` are truth values and ``09:30`` is a text, as in YAML 1.2: with YAML 1.1
a mode called ``off`` would be false and half past nine a number of seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from gate.errors import ConfigError

Place: TypeAlias = tuple[int | str, ...]


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012 (PyYAML's own)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


@dataclass(slots=True)
class Tree:
    """The values of a file, the line of each place, and what was wrong with the file itself."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[tuple[int, str]] = field(default_factory=list)

    def known(self, place: Place) -> Place:
        """The longest beginning of ``place`` that the file has."""
        while place and place not in self.lines:
            place = place[:-1]
        return place

    def line(self, place: Place) -> int:
        """Line of the place, from 1."""
        return self.lines.get(self.known(place), 1)


def load_tree(path: Path) -> Tree:
    """Read a file whose top level is a mapping. Raises `ConfigError` if it can't be read at all."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the configuration with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from None
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {problem}") from None
    tree = Tree(value={}, lines={(): 1})
    if node is None:
        return tree
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            f"{path}:1: expected settings such as 'camera:', not a {node.tag.rpartition(':')[2]}"
        )
    tree.value = _plain(node, (), tree)
    return tree


def _plain(node: yaml.Node, place: Place, tree: Tree) -> Any:
    tree.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, tree)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), tree) for index, item in enumerate(node.value)]
    if node.tag not in _SCALARS:
        tree.mistakes.append((node.start_mark.line + 1, f"tag {node.tag} has no meaning here"))
        return None
    return _SCALARS[node.tag](node.value)


def _mapping(node: yaml.MappingNode, place: Place, tree: Tree) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in values:
            first = tree.lines[(*place, key)]
            tree.mistakes.append((line, f"'{key}' is set twice, first in line {first}"))
            continue
        empty = value_node.tag.endswith(":null") and value_node.value == ""
        values[key] = _plain(value_node, (*place, key), tree)
        tree.lines[(*place, key)] = line
        if empty and not place:
            values[key] = {}  # a section whose settings are all commented out
    return values


_SCALARS: dict[str, Any] = {
    "tag:yaml.org,2002:null": lambda _text: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


def plain(value: Any) -> str:
    """A value as one line of YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()
