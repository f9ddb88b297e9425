"""A child that crashes, hangs or fills the memory ends alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gate.system.child import Child, ChildEnded

MODULE = "tests.system.crashing"


def test_one_child_answers_again_and_again() -> None:
    """Large and empty blocks come back whole, from one process that is not this one."""
    with Child(MODULE) as child:
        first = child.ask(b"ab" * 500_000)
        assert first.startswith(b"ba" * 500_000)
        pid = first.removeprefix(b"ba" * 500_000)
        assert child.ask(b"") == pid != b"%d" % os.getpid()
        assert child.ask(b"print") == b"tnirp" + pid


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (b"crash", r"crashed what reads it \(SIGSEGV\)"),
        (b"hang", "took too long"),
        (b"exit", r"ended what reads it \(exit code 7\)"),
    ],
)
def test_after_its_end_another_child_goes_on(harm: bytes, said: str) -> None:
    """The end is an error that says how it came, and the next question is answered."""
    with Child(MODULE) as child:
        before = child.ask(b"")
        with pytest.raises(ChildEnded, match=said):
            child.ask(harm)
        assert child.ask(b"") != before


def test_a_child_cannot_take_all_memory() -> None:
    """What goes beyond its limit fails in the child."""
    with Child(MODULE) as child:
        assert child.ask(b"fill") == b"full"


def test_a_closed_child_is_gone() -> None:
    """`close` may be called twice, and leaves no process behind."""
    child = Child(MODULE)
    pid = int(child.ask(b""))
    child.close()
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_current_folder_is_no_place_to_import_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of photos may hold a file called like a module."""
    (tmp_path / "struct.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    with Child(MODULE) as child:
        assert child.ask(b"")


def test_where_no_process_can_be_made_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full process table is an answer, not a traceback."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(ChildEnded, match="found no process"):
        Child(MODULE).ask(b"")
