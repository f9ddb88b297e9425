"""The pages in docs/ against the code."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from gate.domain import Reason
from gate.settings import Config

DOCS = Path(__file__).parent.parent / "docs"
WIRING = (DOCS / "wiring.md").read_text()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained(reason: Reason) -> None:
    """The one documented list of codes has each code, and only real ones."""
    assert f"`{reason}`" in WIRING.partition("## Reasons")[2]


def test_no_reason_is_invented() -> None:
    """A code in the list is one of the code's own."""
    rows = re.findall(r"^\| (`.*?) \|", WIRING.partition("## Reasons")[2], re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert codes == {str(reason) for reason in Reason}


def test_the_settings_that_are_named_exist() -> None:
    """`section.setting` in the page is a setting of the file."""
    for section, name in re.findall(r"`(\w+)\.(\w+)[`:]", WIRING):
        assert name in type(getattr(Config(), section)).model_fields, f"{section}.{name}"


def test_the_drawing_is_a_picture() -> None:
    """The SVG parses and is the one that the page shows."""
    assert ElementTree.parse(DOCS / "wiring.svg").getroot().tag.endswith("svg")
    assert "(wiring.svg)" in WIRING
