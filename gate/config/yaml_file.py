"""A YAML file as plain values that know their lines.

Only ``true`` and ``false`` are truth values and ``09:30`` is a text, as in YAML 1.2: with YAML 1.1
a mode called ``off`` would be false and half past nine a number of seconds.

A daemon reads the file while it runs, so a hostile or broken one may cost it nothing but a line:
there are no anchors, aliases and tags, and size, depth and digits have limits far above any use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from gate.config.yaml_words import in_words
from gate.errors import ConfigError

Place: TypeAlias = tuple[int | str, ...]

START = "check the path; smile-gate check --default prints a file to start from"
"""What to do about a file that is not there, at a start and while a gate runs."""
MAX_BYTES = 64 * 1024
"""Eight times the file with every setting and its comment; PyYAML reads about 100 kB a second."""
MAX_DEPTH = 16
"""Levels of lists and mappings; settings have four."""
MAX_DIGITS = 18
"""Digits of a number; Python itself refuses to read more than 4,300."""


class _Refused(yaml.MarkedYAMLError):
    """Good YAML, but more than settings need."""


class _Loader(yaml.SafeLoader):
    """PyYAML's loader, which refuses while it reads: before anything is built from a text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012 (PyYAML's own)

    def fetch_flow_collection_start(self, token: Any) -> None:
        """A bracket or a brace opens."""
        self._limit_depth()
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        """A line stands further to the right than the one before, perhaps."""
        self._limit_depth()
        return bool(super().add_indent(column))

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        """One value of the file."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's own
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _Refused(
                problem="anchors and aliases (& and *) have no meaning here; write the value out,"
                " or put a text into quotes",
                problem_mark=event.start_mark,
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _Refused(
                problem=f"tag {tag[:60]!r} has no meaning here; leave it out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def _limit_depth(self) -> None:
        if self.flow_level + len(self.indents) > MAX_DEPTH:
            raise _Refused(
                problem=f"lists and mappings nest deeper than {MAX_DEPTH} levels; look for a"
                " bracket too many",
                problem_mark=self.get_mark(),
            )


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
    texts: dict[Place, str] = field(default_factory=dict)
    """Each plain value as it stands in the file: ``007`` is a number, and may be a name."""
    spoiled: set[Place] = field(default_factory=set)
    """Places whose value was wrong in itself, and was left out."""

    def spoil(self, place: Place, text: str) -> None:
        """Note a mistake in a value, which is then left out; its place is named in the line."""
        self.spoiled.add(place)
        self.mistakes.append((self.line(place), f"'{'.'.join(map(str, place))}' {text}"))

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
    text = _text(path)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except _Refused as error:
        raise ConfigError(f"{path}:{_line(error)}: {error.problem}") from None
    except yaml.MarkedYAMLError as error:
        line, said = in_words(error, text.splitlines())
        raise ConfigError(f"{path}:{line}: {said}") from None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", a %YAML of 5,000 digits
        raise ConfigError(
            f"{path}:{loader.line + 1}: a number in an escape or in a directive is too large; write"
            " the text in single quotes"
        ) from None
    finally:
        loader.dispose()
    tree = Tree(value={}, lines={(): 1})
    if node is None:
        return tree
    if not isinstance(node, yaml.MappingNode):
        what = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
        raise ConfigError(
            f"{path}:{node.start_mark.line + 1}: this is {what}, not settings; begin with the name"
            " of a section and a colon, such as 'camera:'"
        )
    tree.value = _plain(node, (), tree)
    return tree


def _text(path: Path) -> str:
    """The file's text, whose characters all can be seen. Raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {START}") from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path}: cannot be read as text: it is a folder; name its file"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as text: {error.strerror or error}") from None
    except ValueError:  # a NUL in the path
        raise ConfigError(f"{path}: cannot be read as text: no file has such a name") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"{path}:1: larger than {MAX_BYTES // 1024} kB, so these are no settings; check the"
            " path"
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path}:1: cannot be read as text: it is UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")  # Windows' editors begin with a mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: cannot be read as text: byte 0x{data[error.start]:02x} is no UTF-8;"
            " save it as UTF-8"
        ) from None
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text) or re.search("\ufeff", text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        raise ConfigError(
            f"{path}:{line}: has the character U+{ord(strange[0]):04X}, which cannot be seen;"
            " delete it, and save the file as UTF-8"
        )
    return text


def _line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _plain(node: yaml.Node, place: Place, tree: Tree) -> Any:
    tree.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, tree)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), tree) for index, item in enumerate(node.value)]
    tree.texts[place] = node.value
    try:
        return _SCALARS[node.tag](node.value)
    except ValueError as error:
        tree.spoil(place, str(error))
        return None


def _mapping(node: yaml.MappingNode, place: Place, tree: Tree) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key, str) or not key or not key.isprintable():
            tree.mistakes.append((line, "the name of a setting must be a word, such as 'camera'"))
            continue
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


def _whole(text: str) -> int:
    _limit_digits(text)
    return int(text)


def _real(text: str) -> float:
    _limit_digits(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("is a number beyond all limits; write a smaller one")
    return value


def _limit_digits(text: str) -> None:
    digits = sum(sign.isdigit() for sign in text)
    if digits > MAX_DIGITS:
        raise ValueError(f"is a number of {digits} digits; write it with {MAX_DIGITS} at most")


def _word(text: str) -> str:
    strange = next((sign for sign in text if not sign.isprintable()), None)
    if strange is not None:
        raise ValueError(
            f"has the character U+{ord(strange):04X}, which cannot be seen; write it in one line,"
            " without such characters"
        )
    return text


_SCALARS: dict[str, Any] = {
    "tag:yaml.org,2002:null": lambda _text: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": _whole,
    "tag:yaml.org,2002:float": _real,
    "tag:yaml.org,2002:str": _word,
}


def plain(value: Any) -> str:
    """A value as one line of YAML, its letters as they are."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()
