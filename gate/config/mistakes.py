"""What pydantic finds wrong with a value, in words for who wrote it."""

from __future__ import annotations

import json
import re
from typing import Any

from gate.config.settings import Setting

_KINDS = {
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "finite": "must be a number with an end",
    "string": "must be a text; put it into quotes",
    "path": "must be a path",
    "tuple": "must be a list",
    "list": "must be a list",
    "too": "has too many entries or too few",
    "none": "must be null",
}
"""The first word of pydantic's own name for a mistake → what must be."""
_LIMITS = {
    "greater_than": ("must be above {:g}", "gt"),
    "greater_than_equal": ("must be at least {:g}", "ge"),
    "less_than": ("must be below {:g}", "lt"),
    "less_than_equal": ("must be at most {:g}", "le"),
    "string_too_short": ("must have at least {:g} characters", "min_length"),
    "string_too_long": ("must have at most {:g} characters", "max_length"),
}
_WITHOUT_COLON = re.compile(r"(?P<name>[a-z_]+) +(?P<value>\S+)")


def in_words(found: Any, setting: Setting | None) -> str:
    """What must be, in place of what was given.

    ``found`` is an entry of pydantic's ``errors()``; ``setting`` is None for a section.
    """
    kind, context, given = found["type"], found.get("ctx", {}), found["input"]
    if kind == "value_error":
        text = found["msg"].removeprefix("Value error, ")
        return f"{text}, not {_shown(given)}" if "must be a time" in text else text
    if kind.startswith(("model", "dict")):
        return _no_section(given)
    if kind in _LIMITS:
        text, limit = _LIMITS[kind]
        unit = f" {setting.unit}" if setting and setting.unit in ("s", "px", "days", "MB") else ""
        return f"{text.format(float(context[limit]))}{unit}, not {_shown(given)}"
    if kind in ("enum", "literal_error"):
        words = str(context["expected"]).replace("'", "")
        return f"must be {words}, not {_shown(given)}"
    if kind == "string_pattern_mismatch":
        return (
            "must begin with a small letter and go on with small letters, digits, - and _, not"
            f" {_shown(given)}"
        )
    must = _KINDS.get(kind.partition("_")[0]) or f"must be {_article(setting)}"
    if setting is not None and must == _KINDS["float"] and setting.unit == "s":
        must = "must be a number of seconds"
    if must.startswith(_KINDS["tuple"]) and setting is not None and setting.example:
        return f"{must}, such as {' '.join(setting.example.split())}, not {_shown(given)}"
    return f"{must}, not {_shown(given)}"


def _article(setting: Setting | None) -> str:
    if setting is None:
        return "something else"
    return f"{setting.type} {setting.limits}".strip()


def _no_section(given: Any) -> str:
    """What a section is, where a single value or a list was given."""
    said = (
        "is a section: write each of its settings in a line below it, two spaces to the right,"
        f" not {_shown(given)}"
    )
    found = _WITHOUT_COLON.fullmatch(given) if isinstance(given, str) else None
    return f"{said} (is it '{found['name']}: {found['value']}'?)" if found else said


def _shown(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
