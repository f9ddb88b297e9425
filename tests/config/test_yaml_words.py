"""Files that are no YAML: a line to mend, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.config.load import load
from gate.errors import ConfigError


def said(tmp_path: Path, text: str) -> str:
    """What is said about a file, without its name."""
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("relay:\n\tpin: 17\n", "2: a tab stands here; indent with spaces"),
        ("relay:\n  pin: 17\n\thold_s: 3\n", "3: a tab stands here"),
        ("relay:\n  pin: 17\n   hold_s: 3\n", "3: this line is indented further than the one bef"),
        ("relay:\n  pin: 17\n hold_s: 3\n", "3: this line is indented by 1 spaces, as no line"),
        ("relay\n  pin: 17\n", "1: a colon is missing in this line; write 'relay:'"),
        ("relay:\n  pin 17\n  hold_s: 3\n", "2: a colon is missing in this line; write 'pin: 17'"),
        ("relay:\n pin: 17\n hold_s 5\n pulse_s: 3\n", "3: a colon is missing in this line; write"),
        (
            "relay:\n  pin:17\n  hold_s: 3\n",
            "2: a space is missing behind the colon; write",
        ),
        ("relay: pin: 17\n", "1: there are two ': ' in this line"),
        ("gate: {id: a}\n---\ngate: {id: b}\n", "2: a second document begins here"),
        ("gate: {id: a}\n...\ngate: {id: b}\n", "3: a second document begins here"),
        ('gate:\n  id: "west\nrelay: {pin: 4}\n', "2: the quotes that open in this line never"),
        ("gate: {id: 'it's'}\n", "1: the { of this line is not closed as it should be"),
        ("gate:\n  id: 'it's'\n", "2: something follows after a value that is finished"),
        ("inputs:\n  door: {pin: 5\n  tamper: {pin: 6}\n", "2: the { of this line is not closed"),
        ("interlocks: [[gate, lamp]\n", "1: the [ of this line is not closed"),
        ("gate: {id: @west}\n", "1: a text cannot begin with @; put it into quotes"),
        ("gate:\n  id: `west`\n", "2: a text cannot begin with `"),
        ("gate:\n  id: ]\n", "2: a value cannot begin with this sign"),
        ('gate:\n  id: "C:\\q"\n', "2: a backslash means more in double quotes"),
        ("outputs: - a\n", "1: a list's '- ' begins a line of its own"),
        ("outputs:\n  - {name: a, pin: 4}\n  name: b\n", "3: this line is indented by 2 spaces"),
        ("- a\n", "1: this is a list, not settings; begin with the name of a section"),
        ("words\n", "1: this is a single value, not settings"),
        ("gate: |x\n", "1: a value cannot begin with this sign"),
        ("gate: ?\n", "1: this cannot be understood; look for a colon, a quote or a bracket"),
    ],
)
def test_a_broken_file_has_a_line_and_a_fix(tmp_path: Path, text: str, advice: str) -> None:
    """Tabs, indentation, colons, quotes, brackets, documents: said without PyYAML's words."""
    assert said(tmp_path, text).startswith(advice)
