"""What docs/audit.md prints can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.audit import Store
from gate.cli.audit import command

PAGE = Path(__file__).parent.parent.parent / "docs" / "audit.md"


@pytest.mark.slow
def test_the_commands_of_the_page_work(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command in a shell block of the page exits with 0 on a gate's log, in their order."""
    monkeypatch.chdir(path.parent)
    Path("gate.yaml").write_text(f"store:\n  path: {path.name}\n")
    blocks = PAGE.read_text(encoding="utf-8").split("```sh\n")[1:]
    lines = [line for block in blocks for line in block.split("```")[0].splitlines()]
    assert len(lines) > 10
    for line in lines:
        program, group, *words = shlex.split(line)
        result = CliRunner().invoke(command, words)
        assert (program, group, result.exit_code) == ("smile-gate", "audit", 0), (line, result)
