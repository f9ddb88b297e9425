"""What PyYAML finds wrong with a file, in words for who wrote it, each with the fix."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

_NAME_ALONE = re.compile(
    r"\s*(?:- )?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<rest>[^:#]*?)\s*(?:#.*)?"
)
"""A name without its colon, perhaps with its value."""
_CLOSE = {"sequence": ("[", "]"), "mapping": ("{", "}")}


def in_words(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[int, str]:
    """The line (from 1) that has to be mended, and what to do there."""
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    line = mark.line + 1 if mark else 1
    problem, context = error.problem or "", error.context or ""
    if mark and ("\\t" in problem or (mark.line < len(lines) and _has_tab(lines[mark.line]))):
        return line, "a tab stands here; indent with spaces, two for each level"
    if found := re.match(r"found character '(.)' that cannot start", problem):
        return line, f"a text cannot begin with {found[1]}; put it into quotes"
    if "another document" in problem or "<document start>" in problem:
        return line, (
            "a second document begins here; settings are one: delete the line --- or ..., or put"
            " everything into one column"
        )
    if "unexpected end of stream" in problem and begun:
        return begun.line + 1, "the quotes that open in this line never close; add the closing one"
    if ("flow sequence" in context or "flow mapping" in context) and begun:
        opens, closes = _CLOSE[context.rpartition(" ")[2]]
        return begun.line + 1, (
            f"the {opens} of this line is not closed as it should be; add {closes}, or a comma"
            " between two entries"
        )
    if "<stream end>" in problem:
        last = max((at for at, text in enumerate(lines) if _says(text)), default=0)
        return last + 1, "the file ends within a bracket; add the ] or } that is missing"
    if "double-quoted" in context:
        return line, "a backslash means more in double quotes; put the text into single quotes"
    if "node content" in problem or "block scalar" in context:
        return line, "a value cannot begin with this sign; put it into quotes"
    if "sequence entries" in problem:
        return line, "a list's '- ' begins a line of its own, below the name"
    if begun and "expected <block end>" in problem:
        return line, _indented(line, lines, begun, "<scalar>" in problem)
    if "could not find expected ':'" in problem and begun:
        return begun.line + 1, _lacks_colon(lines[begun.line])
    if "mapping values" in problem:
        return _two_values(line, lines)
    return line, (
        "this cannot be understood; look for a colon, a quote or a bracket that is missing here or"
        " in the line before"
    )


def _has_tab(text: str) -> bool:
    """Whether the line is indented by a tab."""
    return "\t" in text[: len(text) - len(text.lstrip())]


def _indented(line: int, lines: Sequence[str], begun: yaml.Mark, same_line: bool) -> str:
    """What is wrong with a line that belongs to none before it."""
    if same_line:
        return "something follows after a value that is finished; put the whole into quotes"
    text = lines[line - 1]
    column = len(text) - len(text.lstrip())
    return (
        f"this line is indented by {column} spaces, as no line before it that it could belong to;"
        " begin the settings of one section in one column"
    )


def _two_values(line: int, lines: Sequence[str]) -> tuple[int, str]:
    """The mistake behind a ':' that YAML expected nowhere."""
    text = lines[line - 1]
    if len(re.findall(r":(?=\s|$)", re.sub(r"#.*", "", text))) > 1:
        return (
            line,
            "there are two ': ' in this line; begin a new line, or put the text into quotes",
        )
    before = next((at for at in range(line - 2, -1, -1) if _says(lines[at])), None)
    if before is not None and ":" not in re.sub(r"#.*", "", lines[before]):
        return before + 1, _lacks_colon(lines[before])
    slip = re.fullmatch(r"\s*([a-z_]+):(\S.*?)\s*", lines[before]) if before is not None else None
    if slip and before is not None:
        return before + 1, f"a space is missing behind the colon; write '{slip[1]}: {slip[2]}'"
    return line, (
        "this line is indented further than the one before, which has a value already; begin both"
        " in one column"
    )


def _says(text: str) -> bool:
    return bool(text.strip()) and not text.lstrip().startswith("#")


def _lacks_colon(text: str) -> str:
    found = _NAME_ALONE.fullmatch(text)
    if found is None:
        return "a colon is missing in this line, as in 'pin: 17'"
    right = f"{found['name']}: {found['rest']}".rstrip()
    return f"a colon is missing in this line; write '{right}'"
