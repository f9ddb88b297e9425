"""The file that says which lines are in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.errors import RelayError
from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.hardware.output_lines import OutputLine

LINES = LinesInForce(
    "lgpio",
    (OutputLine("gate", 17, emergency_on=True), OutputLine("lock", 5, False, rests_on=True)),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """In every folder that takes it; one that does not is no reason to fail."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    lines_file.write([blocked, tmp_path / "a", tmp_path / "b"], LINES)
    assert lines_file.read(tmp_path / "a") == LINES
    assert lines_file.read(tmp_path / "b") == LINES
    assert lines_file.read(tmp_path) is None


def test_the_folders_are_the_service_manager_s_or_those_of_the_settings() -> None:
    """Without a service manager the socket's folder stands for the runtime folder."""
    log = Path("/var/lib/smile-gate/audit.db")
    socket = Path("/tmp/gate/control.sock")
    state = log.parent
    said = {"RUNTIME_DIRECTORY": "/run/smile-gate:/run/other"}
    assert lines_file.folders(socket, log, said) == [Path("/run/smile-gate"), state]
    assert lines_file.folders(socket, log, {}) == [socket.parent, state]
    assert lines_file.folders(None, log, {}) == [state]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"[" * 60_000,
        b'{"version": ' + b"9" * 5000 + b"}",
        LINES.as_json().encode()[:-20],
        LINES.as_json().replace('"version": 1', '"version": 2').encode(),
        LINES.as_json().replace("17", "true").encode(),
        LINES.as_json().replace("17", "28").encode(),
        LINES.as_json().replace("17", "-1").encode(),
        LINES.as_json().replace("true", "1").encode(),
        LINES.as_json().replace('"lgpio"', "7").encode(),
        LINES.as_json().encode() + b" " * 70_000,
    ],
)
def test_damage_is_one_expected_error(tmp_path: Path, data: bytes) -> None:
    """Whatever is in the file, the reader gets the lines or one line of text."""
    (tmp_path / lines_file.NAME).write_bytes(data)
    with pytest.raises(RelayError, match=r"lines\.json: is damaged") as caught:
        lines_file.read(tmp_path)
    assert "\n" not in str(caught.value)
