"""Commands called as a user calls them, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gate.cli import group


def call(*words: str | Path) -> Result:
    """Run `smile-gate` with these words, in this process."""
    return CliRunner().invoke(group, [str(word) for word in words], catch_exceptions=False)


def objects(result: Result) -> list[dict[str, Any]]:
    """The JSON objects on standard output, one a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]
