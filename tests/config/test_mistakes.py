"""Mistakes in values: said in the gate's words, whatever the value and the setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate.config.load import load
from gate.config.settings import every_setting
from gate.errors import ConfigError

WRONG = (
    *('"some words"', "''", "1e300", "-1", "0", "3.7", ".nan", "true", "null", "[]", "{}"),
    *("[1, 2, 3, 4, 5]", "[a]", "{a: b}", "[[a]]", "[null]", "2026-05-01", f'"{"x" * 100}"'),
)
"""Values, of which no setting takes all."""
STRANGE = re.compile(
    r"Input|input should|valid (?!time zone)|unable to|parse|instance|dictionary|object|tuple|"
    r"pattern|NoneType|bool\b|str\b|int\b|float|seq\b|token|mapping values|scalar|stream|errors?\b",
)
"""Words of pydantic, PyYAML and Python."""
WITHIN = {
    "outputs": ("outputs: [{name: lamp, pin: 22, %s}]", {"name", "pin"}),
    "lane.hours": ("lane: {hours: [{opens: '09:00', closes: '18:00', %s}]}", {"opens", "closes"}),
}


def file_with(name: str, value: str) -> str:
    """A file that sets this setting to this value."""
    section, _, key = name.rpartition(".")
    if section in WITHIN:
        text, given = WITHIN[section]
        kept = text if key not in given else re.sub(rf"{key}: [^,}}]*, ", "", text)
        return kept % f"{key}: {value}"
    if section.startswith("inputs."):
        rest = "" if key == "pin" else "pin: 5, "
        return f"inputs: {{{section.partition('.')[2]}: {{{rest}{key}: {value}}}}}"
    return f"{section}: {{{key}: {value}}}" if section else f"{key}: {value}"


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in every_setting()])
def test_no_wrong_value_is_told_in_another_programs_words(name: str, tmp_path: Path) -> None:
    """Eighteen values for each setting: taken, or refused with its name and what must be."""
    path = tmp_path / "gate.yaml"
    refused = 0
    for value in WRONG:
        path.write_text(file_with(name, value) + "\n")
        try:
            load(path)
        except ConfigError as error:
            refused += 1
            for line in str(error).splitlines():
                text = line.removeprefix(f"{path}:1: ")
                assert text != line
                said = re.sub(r'"[^"]*"', "", text.replace(name, ""))
                assert not STRANGE.search(said), f"{value}: {text}"
                assert re.search(r"must|needs|names|unknown setting|is |has ", said), (
                    f"{value}: {text}"
                )
    assert refused > 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camera: {source: null}", "'camera.source' must be text or whole number, not null"),
        ('camera: {source: ""}', "'camera.source' is empty; write picamera, 0 for"),
        ("face: {region: [0.5, 0.5]}", "'face.region' has too few entries; the part of the pic"),
        (
            "inputs: {door: 5}",
            "'inputs.door' must be like {pin: 5, wiring: normally_cl",
        ),
        ("lane: {hours: ['sat 9-18']}", "'lane.hours.0' must be like [{days: [sat, sun], opens"),
        (
            "lane: {timezone: Berlin}",
            "'lane.timezone' is no time zone: Berlin (did you mean 'Eur",
        ),
        (
            "store: {keep_days: forever}",
            "'store.keep_days' must be a number, or null, not",
        ),
        ("store: {keep_days: 0}", "'store.keep_days' must be at least 1 day, not 0"),
        ("relay: {pin:17}", "unknown setting 'relay.pin:17' (did you mean 'pin: 17'?)"),
        ("relay: {pin 17}", "unknown setting 'relay.pin 17' (did you mean 'pin: 17'?)"),
    ],
)
def test_a_mistake_of_people_has_one_line_with_the_fix(
    text: str, said: str, tmp_path: Path
) -> None:
    """One line for one mistake, and it says what to write."""
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:1: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", ["relay", "camera", "lane", "inputs"])
@pytest.mark.parametrize("value", ["5", "pin 17", "[a]", "true"])
def test_a_section_that_is_no_section_is_told_how_it_is_written(
    section: str, value: str, tmp_path: Path
) -> None:
    """A single value or a list in a section's place."""
    path = tmp_path / "gate.yaml"
    path.write_text(f"{section}:\n  {value}\n")
    with pytest.raises(ConfigError, match=f"'{section}' is a section: write each of its settings"):
        load(path)


def test_a_lost_colon_is_guessed(tmp_path: Path) -> None:
    """``pin 17`` below a section most likely lacks its colon."""
    path = tmp_path / "gate.yaml"
    path.write_text("relay:\n  pin 17\n")
    with pytest.raises(ConfigError, match=r"\(is it 'pin: 17'\?\)$"):
        load(path)
