"""Hints at libraries that are missing."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest

from gate.system.extras import NEEDS, install

ROOT = Path(__file__).parents[2]


def test_no_hint_names_a_package_on_an_index_where_it_is_not_ours() -> None:
    """Nobody may be sent to fetch `smile-gate` from somewhere: it could be anybody's."""
    files = [*ROOT.glob("gate/**/*.py"), *ROOT.glob("docs/*"), *ROOT.glob("systemd/*")]
    files += [ROOT / "README.md", *ROOT.glob("models/*.md")]
    named = re.compile(r"(pip|pipx|uv)\b[^\n]*install[^\n]*\bsmile-gate(?!\.)")
    found = [file.name for file in files if file.is_file() and named.search(file.read_text())]
    assert not found


@pytest.mark.parametrize("extra", NEEDS)
def test_a_hint_asks_for_what_the_extra_asks_for(extra: str) -> None:
    """Libraries and versions are those of setup.cfg, for this Python; the command is this one's."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.extras_require"][extra].strip().splitlines()
    asked = {line.partition(";")[0].replace(" ", "") for line in lines}
    assert set(NEEDS[extra]) <= asked
    said = install(extra)
    assert f"{sys.executable} -m pip install " in said
    assert all(f"'{one}'" in said for one in NEEDS[extra])
