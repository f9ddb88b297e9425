from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest

from gate.system.extras import PACKAGES, missing

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("library", PACKAGES)
def test_a_missing_library_is_installed_where_the_program_is(library: str) -> None:
    """The hint has the cause, this environment's Python, and a package by its own name."""
    said = missing(library, ImportError("needs numpy 2"))
    assert "(needs numpy 2)" in said
    assert f"{sys.executable} -m pip install " in said
    assert "smile-gate" not in said.rpartition("pip install")[2]


def test_the_hints_ask_for_what_the_extras_ask_for() -> None:
    """setup.cfg and the hints are one list: name, range and Python."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = "\n".join(config["options.extras_require"].values()).replace(" ", "")
    assert set(PACKAGES.values()) <= set(re.split(r"[\n;]", extras))


def test_no_hint_names_a_package_that_is_nobodys() -> None:
    """An index has no smile-gate of ours: a stranger could put one there."""
    for folder, kind in (("gate", "*.py"), ("docs", "*.md"), (".", "*.md")):
        for path in (ROOT / folder).rglob(kind) if folder != "." else ROOT.glob(kind):
            assert not re.search(r"pip install ['\"]?smile-gate", path.read_text()), path
