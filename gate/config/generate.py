"""Files made from the settings' fields by ``python -m gate.config.generate`` (`make docs`).

``config/gate.yaml`` for the technician, ``docs/settings.md`` to read, ``config/gate.schema.json``
(JSON Schema) for editors: the first line of gate.yaml names it, as yaml-language-server expects.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gate.config import Config
from gate.config.base import Applied
from gate.config.settings import Setting, every_setting, said, sections

SCHEMA = "gate.schema.json"
WIDTH = 110
COLUMN = 26
"""Comments begin here."""

HEAD = f"""\
# yaml-language-server: $schema={SCHEMA}
# The settings of one gate. Every line shows its default; delete what you do not change.
# Check a change before you start the gate:  smile-gate check --config gate.yaml
# What a setting means:  smile-gate check --explain relay.hold_s, or docs/settings.md
# Times end in _s and are seconds; 500ms and 2min are understood too.
# Relative paths are relative to this file.
"""

APPLIED = {
    Applied.NOW: "the new value holds at once",
    Applied.PIPELINE: "what looks at the pictures is made anew; it forgets the guest of the moment",
    Applied.CAMERA: "the camera is opened anew",
    Applied.RESTART: "the reload is refused and nothing changes: sudo systemctl restart smile-gate",
}
"""What a reload does for a changed setting."""

INTRO = """\
# Settings

Every setting of `gate.yaml`. `smile-gate check --explain relay.hold_s` says the same of one of
them, and [config/gate.yaml](../config/gate.yaml) is the file to start from. What is not in the file
has its default. An unknown name, a value of another type and a value outside of its limits are
refused, each with its line. Relative paths are relative to the file, and `~` is the home of the
user who reads it. What people write otherwise is understood where it can mean one thing only:
`5s`, `500ms`, `2min`, `0,5`, `"17"`, `GPIO17`, `yes` and `no`, `Fail-Secure`, `Sat`, `mon-fri`,
`9:30`, `9:30 pm`, `24:00`, one entry in place of a list; `smile-gate check` shows what it was taken
for.
Settings that are good alone and hurt together are refused too, also where one of them is a default.

An editor with a YAML language server checks the file while you write it: the file's first line
names [gate.schema.json](../config/gate.schema.json), which lies beside it
(`smile-gate check --schema` prints it).

`smile-gate reload` applies a changed file as a whole, or not at all. How a setting is applied:

| applied | what a reload does |
|---|---|
"""


def gate_yaml() -> str:
    """The commented file of all defaults."""
    lines = [HEAD.rstrip()]
    names = sections()
    for name in Config.model_fields:
        lines.append("")
        settings = [one for one in every_setting() if one.section == name]
        whole = [one for one in every_setting() if one.name == name]
        if whole:
            lines += _yaml_line(name, whole[0])
            continue
        lines += _commented(f"{name}:", _lower(_first_sentence(names[name])).rstrip("."))
        for one in settings:
            lines += _yaml_line(f"  {one.name.partition('.')[2]}", one)
    return re.sub(r"\n\n(interlocks:)", r"\n\1", "\n".join(lines)) + "\n"


def _yaml_line(key: str, one: Setting) -> list[str]:
    unit = "" if one.unit == "s" or one.unit in one.description else f"{one.unit}: "
    text = "; ".join(filter(None, (f"{unit}{one.description}", one.change)))
    lines = _commented(f"{key}: {one.default}", f"{text}, e.g." if one.example else text)
    if one.example and len(lines[-1]) + len(one.example) < WIDTH:
        lines[-1] += f" {one.example}"
    elif one.example:
        lines += [f"{'':<{COLUMN}}# {row}" for row in one.example.splitlines()]
    return lines


def _commented(start: str, text: str) -> list[str]:
    """A line with a comment behind it, that goes on below."""
    rows = textwrap.wrap(text, WIDTH - COLUMN - 2, break_long_words=False, break_on_hyphens=False)
    lines = [f"{start:<{COLUMN - 1}} # {rows[0]}"]
    return lines + [f"{'':<{COLUMN}}# {row}" for row in rows[1:]]


def settings_md() -> str:
    """The page with a table for each section."""
    lines = [INTRO + "".join(f"| {how} | {what} |\n" for how, what in APPLIED.items())]
    names, shown = sections(), set[type]()
    for name in Config.model_fields:
        lines += [f"## {name}", ""]
        whole = [one for one in every_setting() if one.name == name]
        if not whole:
            lines += [_first_sentence(names[name]), ""]
        rows = whole or [one for one in every_setting() if one.section == name]
        lines += _table(rows, name if not whole else "")
        for inner in [name] if whole else [f"{name}.{key}" for key in names[name].model_fields]:
            model = names.get(inner)
            if model is not None and model not in shown:
                shown.add(model)
                parts = [one for one in every_setting() if one.section == inner]
                lines += [f"Each of them: {_lower(_first_sentence(model))}", ""]
                lines += _table(parts, inner)
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: list[Setting], section: str) -> list[str]:
    lines = ["| setting | default | unit, limits | what it is, and when to change it | applied |"]
    lines.append("|---|---|---|---|---|")
    for one in rows:
        name = one.name.removeprefix(f"{section}.")
        kind = one.type if one.type not in ("number", "text", "true or false", "one of") else ""
        limits = f"`{one.limits}`" if one.limits.startswith("^") else one.limits
        example = f" E.g. `{' '.join(one.example.split())}`" if one.example else ""
        cells = (
            f"`{name}`",
            "must be given" if one.default is None else f"`{one.default}`",
            "; ".join(filter(None, (one.unit, kind, limits))),
            described(one.description, one.change) + example,
            one.applied,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def described(description: str, change: str = "") -> str:
    """What a setting is and when to change it, as sentences; a value keeps its small letter."""
    sentences = []
    for text in filter(None, (description, change)):
        first = text.split()[0]
        is_value = first[-1] in ",:" or "_" in first
        whole = text if is_value else text[:1].upper() + text[1:]
        sentences.append(whole if whole.endswith("…") else f"{whole}.")
    return " ".join(sentences)


def _first_sentence(model: type) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n")[0]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def schema() -> dict[str, Any]:
    """The JSON Schema of gate.yaml, as the gate reads it."""
    whole: dict[str, Any] = Config.model_json_schema()
    for definition in (whole, *whole["$defs"].values()):
        for entry in definition.get("properties", {}).values():
            _for_editors(entry)
    for name in sections():
        field = Config.model_fields.get(name)
        if field is not None and not said(field):  # a section whose lines are all commented out
            entry = whole["properties"][name]
            entry["anyOf"] = [{"$ref": entry.pop("$ref")}, {"type": "null"}]
            entry["description"] = _first_sentence(sections()[name])
    whole["title"] = "gate.yaml of smile-gate"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def _for_editors(entry: dict[str, Any]) -> None:
    """One sentence for the tooltip, and no time of day as JSON Schema has it: with a zone."""
    for part in (entry, *entry.get("anyOf", ())):
        if part.get("format") == "time":
            del part["format"]
            part["pattern"] = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
    unit, applied = entry.pop("unit", ""), entry.pop("applied", None)
    change, example = entry.pop("change", ""), entry.pop("example", "")
    entry.pop("title", None)
    if "description" in entry:
        facts = (unit and f"Unit: {unit}.", applied and f"Applied: {applied}.")
        example = example and f"E.g. {' '.join(example.split())}"
        text = (described(entry["description"], change), *facts, example)
        entry["description"] = " ".join(filter(None, text))


def pages() -> Iterator[tuple[str, str]]:
    """Every made file, as its path in the project and its text."""
    yield "config/gate.yaml", gate_yaml()
    yield f"config/{SCHEMA}", json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    yield "docs/settings.md", settings_md()


if __name__ == "__main__":
    for name, text in pages():
        Path(name).write_text(text, encoding="utf-8")
