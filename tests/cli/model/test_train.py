"""`smile-gate model train`: what it refuses before it loads anything heavy."""

from __future__ import annotations

import pytest

from tests.cli.calls import call


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name a folder of faces with --data"),
        (["--eyes", "eyes", "--arch", "gate-net"], "with --eyes there is no --arch"),
        (["--eyes", "eyes", "--batch", "8", "--no-recheck"], "there is no --batch, --recheck"),
        (["--data", "faces", "--threshold", "0.6"], "--threshold is for --eyes"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], says: str) -> None:
    """An option that would be ignored is a mistake in the call, and is named."""
    result = call("model", "train", "--out", "run", *words)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
