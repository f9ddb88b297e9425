"""What pydantic finds wrong with a value, in words for who wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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


def in_words(several: Sequence[Any], setting: Setting | None) -> str:
    """What must be, in place of what was given.

    ``several`` are entries of pydantic's ``errors()`` on one value, one for each type that it may
    have; ``setting`` is None for a section.
    """
    found = several[0]
    kind, context, given = found["type"], found.get("ctx", {}), found["input"]
    if kind == "missing":
        return f"has too few entries; {setting.description if setting else 'see its page'}"
    if kind == "value_error":
        text = str(found["msg"]).removeprefix("Value error, ")
        return f"{text}, not {_shown(given)}" if "must be a time" in text else text
    if kind.startswith(("model", "dict")):
        return _no_section(given, setting)
    if kind in _LIMITS:
        text, limit = _LIMITS[kind]
        number = float(context[limit])
        unit = setting.unit if setting and setting.unit in ("s", "px", "days", "MB") else ""
        said = f"{text.format(number)} {unit}".rstrip()
        if number == 1:
            said = said.removesuffix("s") if said.endswith(("days", "characters")) else said
        return f"{said}, not {_shown(given)}"
    if kind in ("enum", "literal_error"):
        words = str(context["expected"]).replace("'", "")
        return f"must be {words}, not {_shown(given)}"
    if kind == "string_pattern_mismatch":
        return (
            "must begin with a small letter and go on with small letters, digits, - and _, not"
            f" {_shown(given)}"
        )
    must = _KINDS.get(kind.partition("_")[0])
    if must is None or len(several) > 1:
        must = f"must be {setting.type} {setting.limits}".strip() if setting else "is another thing"
    elif setting is not None and must == _KINDS["float"] and setting.unit == "s":
        must = "must be a number of seconds"
    elif setting is not None and must == _KINDS["tuple"] and setting.example:
        must = f"{must}, such as {' '.join(setting.example.split())}"
    if setting is not None and setting.default == "null" and len(several) == 1:
        must = f"{must}, or null"
    return f"{must}, not {_shown(given)}"


def _no_section(given: Any, setting: Setting | None) -> str:
    """What a section is, where a single value or a list was given."""
    if setting is not None and setting.name.startswith("inputs."):
        return f"must be like {{pin: 5, wiring: normally_closed}}, not {_shown(given)}"
    if setting is not None and setting.example:
        return f"must be like {' '.join(setting.example.split())}, not {_shown(given)}"
    said = (
        "is a section: write each of its settings in a line below it, two spaces to the right,"
        f" not {_shown(given)}"
    )
    found = _WITHOUT_COLON.fullmatch(given) if isinstance(given, str) else None
    return f"{said} (is it '{found['name']}: {found['value']}'?)" if found else said


def _shown(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
