"""The map in docs/architecture.md against the code, and the glossary beside it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_imports import RANKS, imports, is_own, modules, room_of

ROOT = Path(__file__).parent.parent
GATE = ROOT / "gate"
DOCS = ROOT / "docs"
MAP = (DOCS / "architecture.md").read_text()
PAGES = ("docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md")


def section(title: str) -> str:
    return MAP.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block(text: str, language: str = "") -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def tree() -> dict[str, str]:
    """Each folder of the page's tree, below the root, and its sentence."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in block(section("The rooms")).splitlines():
        row = re.fullmatch(r"( *)(\w+)/ +(\S.*)", line)
        assert row is not None, line
        above = [*above[: len(row[1]) // 2], row[2]]
        found["/".join(above)] = row[3]
    return found


def folders() -> set[str]:
    """Each folder below ``gate/`` that has files of its own; links lead to the top level's."""
    files = (path for path in GATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.parent.relative_to(ROOT)) for path in files}


def test_the_tree_is_the_one_on_the_disk() -> None:
    """Every folder is on the page, and every folder on the page is there."""
    assert set(tree()) == folders()


def test_the_ranks_are_those_that_imports_are_held_to() -> None:
    """The page's table has the rooms of `tests/test_imports.py`, line by line."""
    rows = re.findall(r"^\| \d+ \| (.*) \|$", section("Ranks"), re.MULTILINE)
    assert [set(row.split(", ")) for row in rows] == list(RANKS)


def test_the_arrows_are_the_imports() -> None:
    """An arrow is a real import, and every import follows the arrows."""
    arrows = set(re.findall(r"(\w+) --> (\w+)", block(section("Ranks"), "mermaid")))
    known = {
        (room_of(module), name.split(".")[1])
        for module in modules()
        for name in filter(is_own, imports(GATE / module))
    }
    assert arrows <= known

    def reached(room: str) -> set[str]:
        return {room}.union(*(reached(below) for above, below in arrows if above == room))

    for room, other in known:
        assert other in reached(room) | {"__version__"}, f"{room} imports {other}"


@cache
def names(path: Path) -> frozenset[str]:
    """What a module defines: classes, functions, values, and those of its classes."""
    found: set[str] = set()

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            match node:
                case ast.ClassDef():
                    found.add(prefix + node.name)
                    collect(node.body, f"{prefix}{node.name}.")
                case ast.FunctionDef():
                    found.add(prefix + node.name)
                case ast.Assign():
                    found.update(prefix + ast.unparse(target) for target in node.targets)
                case ast.AnnAssign():
                    found.add(prefix + ast.unparse(node.target))

    collect(ast.parse(path.read_text()).body, "")
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES)
def test_every_place_that_is_named_exists(page: str) -> None:
    """Files and folders of the code, and the names in ``file::name``, are where the page says."""
    spans = re.findall(r"`((?:gate|tests)/[\w./]+)(?:::([\w.]+))?`", (ROOT / page).read_text())
    assert spans or page == "docs/glossary.md"
    for file, name in spans:
        assert (ROOT / file).exists(), file
        assert not name or name in names(ROOT / file), f"{file}::{name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """A link's file is there, beside the page that has the link."""
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


def test_a_word_of_the_glossary_is_one_that_is_used() -> None:
    """The words are in alphabetical order, and each is used on another page or in the code."""
    words = re.findall(r"^\| \*\*(.+)\*\* \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(words)
    pages = [ROOT / "README.md", *DOCS.glob("*.md"), *GATE.rglob("*.py")]
    used = "\n".join(page.read_text() for page in pages if page.name != "glossary.md").lower()
    for word in words:
        pattern = re.escape(word).replace(r"\ ", r"[\s_]+").replace(r"\-", "[-_]?")
        assert re.search(rf"\b{pattern}", used), word
