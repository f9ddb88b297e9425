"""The commands that a page tells people to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`((?:sudo|smile-gate|systemctl|journalctl) [^`]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """A command as the page has it, and the heading that it stands under."""

    section: str
    line: str


def commands(page: Path) -> list[Told]:
    """The lines of a page's shell blocks and the commands in its sentences, in their order."""
    text = page.read_text()
    found = [(block.start(), line) for block in _BLOCK.finditer(text) for line in _lines(block[1])]
    sentences = _BLOCK.sub(lambda block: " " * len(block[0]), text)
    found += [(match.start(), " ".join(match[1].split())) for match in _INLINE.finditer(sentences)]
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(sentences)]
    return [
        Told(max(heading for heading in headings if heading[0] < at)[1], line)
        for at, line in sorted(found, key=lambda entry: entry[0])
    ]


def _lines(block: str) -> list[str]:
    """The commands of a block; what stands behind a ``#`` is for the reader."""
    lines = (line.partition("  #")[0].strip() for line in block.splitlines())
    return [line for line in lines if line]
