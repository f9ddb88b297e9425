"""Every setting with what its field says of it, and how a changed one is applied."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from gate.config import Config
from gate.config.base import Applied
from gate.config.yaml_file import plain
from gate.errors import ConfigError

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, in words: ``relay.hold_s``, or a part of one such as ``outputs.pin``."""

    name: str
    type: str
    default: str | None
    """As YAML; None where the file must give it."""
    unit: str
    limits: str
    description: str
    change: str
    """When to change it; may be empty."""
    example: str
    applied: Applied

    @property
    def section(self) -> str:
        """What it is a part of; empty for a setting of the top level."""
        return self.name.rpartition(".")[0]

    def as_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return asdict(self)


@cache
def every_setting() -> tuple[Setting, ...]:
    """All settings in the order of the file, the parts of a setting after the whole."""
    return tuple(_setting(*one) for one in _walk(Config, "", None))


@cache
def sections() -> dict[str, type[BaseModel]]:
    """What the names of the sections mean, those of parts too (``outputs``, ``lane.hours``)."""
    return dict(_sections(Config, ""))


def applied(name: str) -> Applied:
    """How a change of a setting takes effect; ``name`` is one that `differences` gives."""
    return _applied_by_name()[name]


def explained(name: str) -> tuple[Setting, ...]:
    """The setting of that name and its parts, or those of a section, or all for an empty name.

    Raises `ConfigError` for an unknown name, with the nearest known one.
    """
    found = [
        one
        for one in every_setting()
        if not name or one.name == name or one.name.startswith(f"{name}.")
    ]
    if not found:
        known = [one.name for one in every_setting()] + list(sections())
        short = {one.rpartition(".")[2]: one for one in reversed(known)}
        near = suggest(name, known) or suggest(short.get(name, ""), known)
        raise ConfigError(
            f"there is no setting '{name}'{near}; list them: smile-gate check --explain"
        )
    return tuple(found)


def suggest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean …?)`` if one of the known words is near, else an empty text."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation means, also within ``tuple[…]`` and ``… | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section_in, typing.get_args(annotation))), None)


@cache
def _applied_by_name() -> dict[str, Applied]:
    return {name: how for name, _, how in _walk(Config, "", None)}


def _walk(
    model: type[BaseModel], prefix: str, whole: Applied | None
) -> Iterator[tuple[str, FieldInfo, Applied]]:
    """Every setting's name, field and how it is applied: as the ``whole`` that it is a part of."""
    for key, field in model.model_fields.items():
        name, inner = f"{prefix}{key}", section_in(field.annotation)
        how = whole or said(field).get("applied")
        if inner is None or inner is not field.annotation:  # a section is only its settings
            if not (field.description and how):
                raise TypeError(f"{name}: its field does not say what it is and how it is applied")
            yield name, field, how
        if inner:
            yield from _walk(inner, f"{name}.", how)


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if inner := section_in(field.annotation):
            yield f"{prefix}{name}", inner
            yield from _sections(inner, f"{prefix}{name}.")


def said(field: FieldInfo) -> JSON:
    """What `gate.config.base.setting` was told beside the description."""
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def _setting(name: str, field: FieldInfo, how: Applied) -> Setting:
    annotation: Any = field.annotation
    for limit in field.metadata:
        annotation = typing.Annotated[annotation, limit]
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    schema = adapter.json_schema()  # so that what is said is what pydantic checks
    value = None if field.is_required() else adapter.dump_python(field.default, mode="json")
    return Setting(
        name=name,
        type=_type(schema, schema),
        default=None if field.is_required() else _shown(value),
        limits=_limits(schema, schema),
        description=field.description or "",
        applied=how,
        **{text: said(field).get(text, "") for text in ("unit", "change", "example")},
    )


def _shown(value: Any) -> str:
    """A default as YAML, on one line: times without seconds, a list of whole numbers as such."""
    if isinstance(value, str) and value.endswith(":00"):
        return f'"{value.removesuffix(":00")}"'
    if isinstance(value, list):
        value = [int(one) if isinstance(one, float) and one.is_integer() else one for one in value]
    return plain(value)


_PLURAL = {"one of": "some of", "number": "numbers", "mapping": "mappings", "text": "texts"}
_PLURAL |= {"list of texts": "lists of texts"}


def _type(schema: JSON, whole: JSON) -> str:
    schema = _resolved(schema, whole)
    if "anyOf" in schema:
        return " or ".join(_type(one, whole) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of"
    if schema["type"] == "array":
        return f"list of {_PLURAL[_type(_item(schema), whole)]}"
    words = {"boolean": "true or false", "integer": "whole number", "object": "mapping"}
    words |= {"string": "text", "path": "path", "time": "time of day"}
    kind = str(schema.get("format", schema["type"]))
    return words.get(kind, kind)


def _limits(schema: JSON, whole: JSON) -> str:
    schema = _resolved(schema, whole)
    if "anyOf" in schema:
        return "".join(_limits(one, whole) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return _limits(_item(schema), whole)
    if "maxLength" in schema:
        return f"{schema['minLength']} to {schema['maxLength']} characters"
    if "pattern" in schema:
        return str(schema["pattern"])
    words = {
        "minimum": "from {:g}",
        "exclusiveMinimum": "above {:g},",
        "maximum": "to {:g}",
        "exclusiveMaximum": "below {:g}",
    }
    ends = (text.format(schema[key]) for key, text in words.items() if key in schema)
    return " ".join(ends).rstrip(",")


def _resolved(schema: JSON, whole: JSON) -> JSON:
    """The schema that a reference means."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: JSON = whole["$defs"][name] if name else schema
    return found


def _item(schema: JSON) -> JSON:
    """The schema of what is in a list."""
    found: JSON = schema.get("items") or schema["prefixItems"][0]
    return found
