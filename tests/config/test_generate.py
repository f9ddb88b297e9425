"""What is made from the settings' fields: committed as it is made, and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from gate.cli import group
from gate.config import Applied, Config
from gate.config.generate import SCHEMA, pages
from gate.config.load import load
from gate.config.settings import Setting, every_setting, sections
from gate.config.yaml_file import plain

ROOT = Path(__file__).parents[2]
MADE = dict(pages())
EXAMPLES = [one for one in every_setting() if one.example and "." in one.name]
SHAPES: dict[str, Any] = json.loads(MADE[f"config/{SCHEMA}"])


def explain(*words: str) -> str:
    said = CliRunner().invoke(group, ["check", "--explain", *words])
    assert said.exit_code == 0, said.output
    return said.output


@pytest.mark.parametrize("name", MADE)
def test_a_made_file_is_made_from_the_fields_of_today(name: str) -> None:
    """Whoever changes a setting runs `make docs`."""
    assert (ROOT / name).read_text() == MADE[name], "run `make docs`"


def test_an_editor_finds_the_schema_beside_the_file() -> None:
    """The first line of gate.yaml names a file that lies beside it."""
    modeline = MADE["config/gate.yaml"].splitlines()[0]
    _, _, name = modeline.partition("# yaml-language-server: $schema=")
    assert (ROOT / "config" / name).is_file()


def test_the_page_and_the_file_have_every_setting() -> None:
    """Each setting is a line of gate.yaml and a row of the page, parts of a setting are rows."""
    for one in every_setting():
        key = one.name.rpartition(".")[2]
        assert f"| `{key}` |" in MADE["docs/settings.md"], one.name
        if one.name.count(".") < 2 and one.section != "outputs":
            assert f"{key}: {one.default}" in MADE["config/gate.yaml"], one.name


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.name)
def test_an_example_is_a_good_value(one: Setting, tmp_path: Path) -> None:
    """What a comment gives as an example is taken by the gate."""
    section, _, key = one.name.rpartition(".")
    span = {"opens": "01:00", "closes": "02:00"}
    entry = f"{key}: {one.example}"
    if section == "lane.hours":
        rest = {name: value for name, value in span.items() if name != key}
        text = f"lane: {{hours: [{{{entry}, {plain(rest)[1:-1]}}}]}}"
    else:
        text = f"{section}: {{{entry}}}"
    file = tmp_path / "gate.yaml"
    file.write_text(text)
    assert load(file).digest() != Config().digest()


def test_the_examples_of_lamps_and_interlocks_go_together(tmp_path: Path) -> None:
    """The interlock of the one example names an output of the other."""
    examples = {one.name: one.example for one in every_setting()}
    file = tmp_path / "gate.yaml"
    file.write_text(
        f"outputs: {' '.join(examples['outputs'].split())}\ninterlocks: {examples['interlocks']}\n"
    )
    assert [lamp.name for lamp in load(file).outputs] == ["smile_lamp", "denied_buzzer"]


def test_the_schema_knows_the_settings_of_the_gate() -> None:
    """Names, defaults and what must be given are the models' own; unknown names are refused."""

    def same(shape: dict[str, Any], model: type[BaseModel]) -> None:
        assert list(shape["properties"]) == list(model.model_fields)
        assert shape["additionalProperties"] is False
        must = [name for name, field in model.model_fields.items() if field.is_required()]
        assert shape.get("required", []) == must

    same(SHAPES, Config)
    for model in set(sections().values()):
        same(SHAPES["$defs"][model.__name__], model)


def test_the_schema_takes_a_time_of_day_as_the_file_has_it() -> None:
    """JSON Schema's own `time` has a zone: editors would find fault with 03:30."""
    assert '"time"' not in json.dumps(SHAPES)
    assert "pattern" in SHAPES["$defs"]["StoreSettings"]["properties"]["upkeep_at"]


def test_a_setting_is_explained() -> None:
    """Type, limits, default, when to change it and how it is applied, in words and as JSON."""
    said = explain("face.min_height")
    assert "Raise it to keep people far behind the guest out." in said
    for fact in ("number", "from 0.03 to 1", "0.1", "pipeline: "):
        assert fact in said
    told = json.loads(explain("relay.hold_s", "--json"))
    assert (told["unit"], told["default"], told["applied"]) == ("s", "5.0", Applied.NOW)


def test_a_section_is_listed_and_without_a_name_all_are() -> None:
    """A section has a line for each of its settings, a wire for each of its parts."""
    names = [line.split()[0] for line in explain("face").splitlines()]
    assert names == [one.name for one in every_setting() if one.section == "face"]
    assert "inputs.door.debounce_s" in explain("inputs.door")
    assert len(explain().splitlines()) == len(every_setting())


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("face.min_heigt", "face.min_height"), ("hold_s", "relay.hold_s"), ("smiles", "smile")],
)
def test_a_slip_of_the_pen_is_one_line_with_the_name_that_was_meant(slip: str, meant: str) -> None:
    """An unknown name ends with exit code 2 and the nearest known one."""
    said = CliRunner().invoke(group, ["check", "--explain", slip])
    assert said.exit_code != 0
    assert f"did you mean '{meant}'?" in str(said.exception) + said.output


def test_the_schema_can_be_had_from_the_installed_program() -> None:
    """`check --schema` prints the file that `check --default` names."""
    said = CliRunner().invoke(group, ["check", "--schema"])
    assert said.output == MADE[f"config/{SCHEMA}"]
