"""A gate that is killed loses nothing that it said was done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.logs import judged

KILLS = int(os.environ.get("SMILE_GATE_KILLS", "20"))
"""How often the writer is killed: 20 in `make test`, 500 in `make faults`."""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that starts a process that records events, again and again."""
    command = [sys.executable, "-m", "tests.faults.writer", str(tmp_path / "audit.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, bufsize=1, **pipes) as process:  # type: ignore[call-overload]  # the pipes are a literal
        yield process
        process.stdin.close()


def said(pipe: IO[str]) -> tuple[str, int]:
    word, _, number = pipe.readline().partition(" ")
    return word.strip(), int(number or 0)


@pytest.mark.slow
def test_what_was_done_stays_done(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    """After each SIGKILL, at any moment, the log is whole and has every acknowledged event."""
    assert writer.stdin
    assert writer.stdout
    dice = random.Random(20)
    acknowledged = 0
    for _ in range(KILLS):
        writer.stdin.write("\n")
        word, pid = said(writer.stdout)
        assert word == "pid"
        for _ in range(dice.randrange(60)):
            acknowledged = said(writer.stdout)[1]
        for _ in range(dice.randrange(20_000)):  # a moment that no line of the writer marks
            pass
        os.kill(pid, signal.SIGKILL)
        while (line := said(writer.stdout))[0] == "done":
            acknowledged = line[1]
        assert line[0] == "gone"
        verdict = judged(tmp_path / "audit.db")
        assert verdict.whole, verdict.findings
        assert verdict.head.sequence >= acknowledged
