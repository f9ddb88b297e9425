"""The small files that a gate keeps for itself, after a card or a person changed them.

None of them may keep a gate from its start or `safe-state` from its work. The first byte of an
input says which file it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gate.audit.noted import NotedHead
from gate.config import Config
from gate.config.changes import flat
from gate.errors import RelayError
from gate.hardware import lines_file
from gate.hardware.from_config import lines_in_force
from gate.service import last_config, operator_close
from gate.system.emergency_latch import NAME as EMERGENCY
from gate.system.emergency_latch import EmergencyLatch
from tests.fuzz.target import Target, edited, expect_a_line, revalued

FILES = (lines_file.NAME, "audit.closed.json", "audit.settings.json", "audit.head.json", EMERGENCY)


def check(folder: Path, data: bytes) -> None:
    """Each is understood, or taken in the safe sense."""
    name = FILES[data[0] % len(FILES)] if data else FILES[0]
    (folder / name).write_bytes(data[1:])
    log = folder / "audit.db"
    if name == lines_file.NAME:
        try:
            lines_file.read(folder)
        except RelayError as error:
            expect_a_line(error)
    elif name == EMERGENCY:
        assert EmergencyLatch([folder]).is_set(), "a damaged latch is an emergency too"
    elif name == "audit.closed.json":
        found, _ = operator_close.find(None, log)
        assert found is not None, "a damaged close is a close too"
    elif name == "audit.settings.json":
        last_config.since(log, Config().digest(), Config())
        found_settings = last_config.last_of(folder / "gate.yaml")
        assert found_settings is None or isinstance(found_settings, Config)
    else:
        NotedHead(log, writes=True).read()


def written() -> list[dict[str, Any]]:
    """The files as a gate writes them, in the order of `FILES`."""
    config = Config()
    kept = {"digest": config.digest(), "settings": flat(config), "file": "gate.yaml"}
    return [
        json.loads(lines_in_force(config).as_json()),
        {"who": "anna", "why": "cleaning"},
        kept,
        {"log": "ab" * 16, "sequence": 7, "digest": "01" * 32},
        {"version": 1, "since": "2026-05-01T00:00:00+00:00", "why": "contact"},
    ]


def inputs() -> st.SearchStrategy[bytes]:
    """Each file with harmed text or other values."""
    files = []
    for number, content in enumerate(written()):
        said = edited([json.dumps(content).encode()], WORDS) | revalued([content])
        files.append(st.tuples(st.just(bytes([number])), said).map(b"".join))
    return st.one_of(*files)


WORDS = [b"[" * 30_000, b"NaN", b"9" * 5000, b"null", b"\xff", b"\x00", b'"\\ud800"', b"{}", b"[]"]

STATE_FILES = Target(
    "state-files",
    "no file that a gate keeps for itself can be changed so that it does not start",
    50_000,
    inputs(),
    check,
)
