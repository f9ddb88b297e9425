"""One gate to a log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.audit import Store
from gate.audit.lock import held, lock_path
from gate.errors import AnotherGate
from tests.logs import face_seen, judged

HOLDER = """
import os, sys
from pathlib import Path
from gate.audit.lock import held
with held(Path(sys.argv[1])):
    if len(sys.argv) > 2 and not os.fork():  # a child that outlives the gate
        os.close(1)
        sys.stdin.read()
        os._exit(0)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(path: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the log's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_gate_on_one_log_is_refused(tmp_path: Path) -> None:
    """Whatever path leads there; the line says which process has it."""
    path = tmp_path / "audit.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with another(path) as process:
        for way in (path, link, tmp_path / "." / "audit.db"):
            with (
                pytest.raises(AnotherGate, match=rf"another gate .* \(process {process.pid}\)"),
                held(way),
            ):
                pass
        with held(tmp_path / "other.db"):
            pass


def test_readers_and_commands_need_no_lock(tmp_path: Path) -> None:
    """Listing, verifying, and a command that records a line go on beside a gate."""
    path = tmp_path / "audit.db"
    with another(path), Store.open(path) as store:
        store.record([face_seen(1)])
        assert judged(path).whole


@pytest.mark.parametrize("more", [(), ("child",)])
def test_a_killed_gate_stands_in_nobodys_way(tmp_path: Path, more: tuple[str, ...]) -> None:
    """The lock ends with its process; neither its file nor a child that is left keeps it."""
    path = tmp_path / "audit.db"
    with another(path, *more) as process:
        process.kill()
        process.wait()
        assert lock_path(path).exists()
        with held(path):
            pass


def test_a_card_that_takes_no_file_does_not_keep_the_gate_from_running(tmp_path: Path) -> None:
    """The way out needs no log, and no lock."""
    (tmp_path / "file").touch()
    with held(tmp_path / "file" / "audit.db"):
        pass
