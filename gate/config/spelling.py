"""Values as people write them, put as the settings have them, wherever only one thing can be meant.

``5s``, ``0,5``, ``yes``, ``GPIO17``, ``Sat``, ``9:30``, ``24:00``: each is understood by the type
and the unit of its setting. What could mean two things is a mistake, whose line says what to write.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from datetime import time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gate.config.hardware import Wiring
from gate.config.service import Day
from gate.config.yaml_file import Place, Tree

_UNITS: dict[str, dict[str, float]] = {
    "s": {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
        **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 0.001),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
        **dict.fromkeys(("h", "hour", "hours"), 3600),
    },
    "days": dict.fromkeys(("d", "day", "days"), 1.0) | dict.fromkeys(("week", "weeks"), 7.0),
    "MB": dict.fromkeys(("mb", "megabyte", "megabytes"), 1.0),
    "px": dict.fromkeys(("px", "pixel", "pixels"), 1.0),
    "degrees": dict.fromkeys(("°", "deg", "degree", "degrees"), 1.0),
    "pictures a second": dict.fromkeys(("fps", "hz"), 1.0),
    "pictures": dict.fromkeys(("picture", "pictures", "frame", "frames"), 1.0),
}
"""A setting's unit → what may stand behind its number → how many of the unit that is."""
_NUMBER = re.compile(r"(?P<number>[-+]?[0-9]+(?:[.,][0-9]+)?)\s*(?P<unit>[^\W0-9]*|°|%)")
_PIN = re.compile(r"(?:gpio|bcm)\s*[-_]?\s*(?P<number>[0-9]{1,2})", re.IGNORECASE)
_TRUTH = dict.fromkeys(("yes", "y", "on", "true"), True)
_TRUTH |= dict.fromkeys(("no", "n", "off", "false"), False)
_CONTACTS = {"nc": "normally_closed", "no": "normally_open"}
"""How a contact's kind is printed beside its terminals."""
_NOTHING = ("none", "null", "nothing")
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?|(?P<bare>h?))"
    r"\s*(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {name[:cut]: day for name, day in zip(_NAMES, Day, strict=True) for cut in range(3, 10)}
_SETS: dict[str, tuple[Day, ...]] = {
    **dict.fromkeys(("weekday", "weekdays", "workdays"), tuple(Day)[:5]),
    **dict.fromkeys(("weekend", "weekends"), tuple(Day)[5:]),
    **dict.fromkeys(("daily", "all", "always", "everyday"), tuple(Day)),
}


def understand(tree: Tree, model: type[BaseModel]) -> None:
    """Put the tree's values as the model has them; what can't be understood stays as it is.

    A value that could mean two things becomes one of the tree's mistakes.
    """
    _section(tree, model, tree.value, ())


def _section(tree: Tree, model: type[BaseModel], values: dict[str, Any], place: Place) -> None:
    for name, value in values.items():
        field = model.model_fields.get(name)
        if field is not None and (*place, name) not in tree.spoiled:
            values[name] = _Reader(tree, _unit(field)).read(field.annotation, value, (*place, name))


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


class _Reader:
    """Reads a value by the type that its setting has."""

    def __init__(self, tree: Tree, unit: str) -> None:
        self._tree = tree
        self._unit = unit

    def read(self, kind: Any, value: Any, place: Place) -> Any:
        """The value as ``kind`` has it, or as it is."""
        try:
            return self._read(kind, value, place)
        except ValueError as error:
            self._tree.spoil(place, str(error))
            return None

    def _read(self, kind: Any, value: Any, place: Place) -> Any:
        if typing.get_origin(kind) is Annotated:
            kind = typing.get_args(kind)[0]
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            return self._one_of(typing.get_args(kind), value, place)
        if typing.get_origin(kind) is tuple:
            return self._list(typing.get_args(kind), value, place)
        if typing.get_origin(kind) is typing.Literal:
            return self._number(value, place, whole=True)
        if not isinstance(kind, type):
            return value
        if issubclass(kind, BaseModel):
            if isinstance(value, dict):
                _section(self._tree, kind, value, place)
            return value
        read: dict[type, Callable[[Any, Place], Any]] = {
            bool: self._truth,
            int: lambda value, place: self._number(value, place, whole=True),
            float: lambda value, place: self._number(value, place, whole=False),
            str: self._text,
            time: self._time,
        }
        if kind in read:
            return read[kind](value, place)
        if issubclass(kind, StrEnum) and isinstance(value, str):
            near = re.sub(r"[\s-]+", "_", value.strip().lower())
            near = _CONTACTS.get(near, near) if kind is Wiring else near
            return near if near in list(kind) else value
        return value

    def _one_of(self, kinds: tuple[Any, ...], value: Any, place: Place) -> Any:
        some = [kind for kind in kinds if kind is not type(None)]
        if value is None:
            return None
        if set(some) == {str, int}:  # a camera by its number, also in quotes
            digits = isinstance(value, str) and value.isascii() and value.isdigit()
            return int(value) if digits and len(value) < 4 else value
        nullable = len(some) < len(kinds)
        if nullable and isinstance(value, str) and value.strip().lower() in _NOTHING:
            return None
        return self._read(some[0], value, place)

    def _list(self, kinds: tuple[Any, ...], value: Any, place: Place) -> Any:
        inner = kinds[0]
        plain = typing.get_args(inner)[0] if typing.get_origin(inner) is Annotated else inner
        if isinstance(value, str) and not _is_section(inner):
            between = r"[,\s]+" if plain in (float, int, str) else r"\s*,\s*"
            value = [part for part in re.split(between, value.strip()) if part]
            for index in range(len(value)):
                self._tree.lines[(*place, index)] = self._tree.line(place)
        elif isinstance(value, dict) and _is_section(inner):
            value = [self._moved(value, place)]
        if not isinstance(value, list):
            return value
        pairs = typing.get_origin(inner) is tuple
        if pairs and len(value) == 2 and all(isinstance(one, str) for one in value):
            return [value]  # one pair, where a list of pairs is asked for
        if inner is Day:
            return self._days(value, place)
        return [self.read(inner, item, (*place, index)) for index, item in enumerate(value)]

    def _moved(self, value: dict[str, Any], place: Place) -> dict[str, Any]:
        """A single entry, where a list is asked for; its lines are those of the list's first."""
        depth = len(place)
        for known in [one for one in self._tree.lines if one[:depth] == place]:
            moved = (*place, 0, *known[depth:])
            self._tree.lines[moved] = self._tree.lines[known]
            if known in self._tree.texts:
                self._tree.texts[moved] = self._tree.texts[known]
        return value

    def _days(self, values: list[Any], place: Place) -> list[Any]:
        days: list[Any] = []
        for index, value in enumerate(values):
            found = _days_of(value) if isinstance(value, str) else None
            if found is None:
                self._tree.spoil(
                    (*place, index),
                    f"is no day: {_shown(value)}; write some of {', '.join(Day)}, or mon-fri",
                )
            days += found or []
        return list(dict.fromkeys(days))

    def _truth(self, value: Any, place: Place) -> Any:
        return _TRUTH.get(value.strip().lower(), value) if isinstance(value, str) else value

    def _text(self, value: Any, place: Place) -> Any:
        """A text that YAML takes for a number is what stands in the file: ``id: 007``."""
        if isinstance(value, bool | int | float):
            return self._tree.texts.get(place, value)
        return value

    def _number(self, value: Any, place: Place, *, whole: bool) -> Any:
        if isinstance(value, str):
            value = self._measured(value.strip(), value)
        if whole and isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    def _measured(self, text: str, value: Any) -> Any:
        """The number of a text with a unit, or the value as it is."""
        if self._unit.startswith("GPIO") and (pin := _PIN.fullmatch(text)):
            return int(pin["number"])
        found = _NUMBER.fullmatch(text)
        if found is None:
            return value
        if re.search(r",[0-9]{3}$", found["number"]):
            plain = found["number"]
            raise ValueError(
                f"could mean two numbers: {_shown(text)}; write {plain.replace(',', '')} or"
                f" {plain.replace(',', '.')}"
            )
        number = float(found["number"].replace(",", "."))
        unit = found["unit"].lower()
        if unit == "%":
            raise ValueError(f"is no percentage: {_shown(text)}; write {number / 100:g}")
        known = _UNITS.get(self._unit, {})
        if unit and unit not in known:
            of = f"in {_PLAIN.get(self._unit, self._unit)}" if self._unit else "without a unit"
            more = " (5min is five minutes)" if self._unit == "s" else ""
            raise ValueError(f"is a number {of}, not {_shown(text)}; write {number:g}{more}")
        number *= known.get(unit, 1)
        return int(number) if number.is_integer() else round(number, 9)

    def _time(self, value: Any, place: Place) -> Any:
        text = self._tree.texts.get(place, value) if not isinstance(value, str) else value
        if not isinstance(text, str):
            return value
        text = text.strip()
        found = _CLOCK.fullmatch(text)
        if found is None or (found["minute"] is None and not (found["bare"] or found["half"])):
            example = re.fullmatch(r"([01]?[0-9]|2[0-4])(?:\.([0-5][0-9]))?", text)
            if example:
                clock = f"{int(example[1]) % 24:02}:{example[2] or '00'}"
                raise ValueError(f'is a time of day, not {_shown(text)}; write "{clock}"')
            return value
        hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
        if found["half"]:
            if not 1 <= hour <= 12:
                return value
            hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
        if (hour, minute, second) == (24, 0, 0):
            if place[-1] != "closes":
                raise ValueError(f'is a time of day, not {_shown(text)}; write "00:00"')
            hour = 0
        said = f"{hour:02}:{minute:02}"
        return f"{said}:{second:02}" if found["second"] else said


_PLAIN = {"s": "seconds", "MB": "megabytes", "px": "pixels"}


def _days_of(text: str) -> list[Day] | None:
    """The days of a word such as ``Sat``, ``weekend`` or ``mon-fri``; None where it is none."""
    word = text.strip().lower().rstrip(".")
    if word in _SETS:
        return list(_SETS[word])
    first, dash, last = re.sub(r"\s*(?:-|–|\bto\b)\s*", "-", word).partition("-")
    if first not in _DAYS or (dash and last not in _DAYS):
        return None
    begin = list(Day).index(_DAYS[first])
    count = (list(Day).index(_DAYS[last]) - begin) % 7 + 1 if dash else 1
    return [list(Day)[(begin + step) % 7] for step in range(count)]


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
