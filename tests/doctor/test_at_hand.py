"""What the settings name, looked for on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gate.config.load import read
from gate.doctor import at_hand
from gate.doctor.facts import Person
from gate.system import resources

NOBODY = Person("nobody", 65534, frozenset({65534}))


def notices(tmp_path: Path, text: str) -> list[tuple[int, str, bool]]:
    """What is said of a file; the clip that it needs is there."""
    (tmp_path / "clip.avi").touch()
    path = tmp_path / "gate.yaml"
    path.write_text(f"camera: {{source: clip.avi}}\n{text}")
    return [(one.line, one.text, one.serious) for one in at_hand.look(*read(path))]


@pytest.fixture(autouse=True)
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_hand, "person", lambda name: NOBODY)


def test_a_file_with_nothing_to_look_for_has_no_notice(tmp_path: Path) -> None:
    """The service's own folders are made by the service manager."""
    assert notices(tmp_path, "") == []


def test_a_model_is_there_with_its_own_card(tmp_path: Path) -> None:
    """File, card, and that they belong together."""
    text = "smile:\n  model: mine.tflite\n"
    for name in ("smile.tflite", "smile.json"):
        shutil.copy(resources.path(f"models/{name}"), tmp_path / name.replace("smile", "mine"))
    assert notices(tmp_path, text) == []
    (tmp_path / "mine.tflite").write_bytes(b"another")
    ((line, said, serious),) = notices(tmp_path, text)
    assert (line, serious) == (3, True)
    assert "its card mine.json was written for another file" in said
    (tmp_path / "mine.json").unlink()
    ((_, said, serious),) = notices(tmp_path, text)
    assert "card is missing" in said
    (tmp_path / "mine.tflite").unlink()
    ((_, said, serious),) = notices(tmp_path, text)
    assert "no model file that can be read" in said


def test_a_socket_that_no_system_can_make_is_a_mistake(tmp_path: Path) -> None:
    """Its path has a limit of its own: unix(7)."""
    ((_, said, serious),) = notices(tmp_path, f"control: {{socket: /run/gate/{'x' * 115}}}\n")
    assert serious
    assert said.startswith("'control.socket' has 125 bytes, and a socket's path may have 107;")
    assert notices(tmp_path, f"control: {{socket: /run/gate/{'x' * 97}}}\n") == []


def test_a_folder_where_the_gate_may_not_write_is_warned_of(tmp_path: Path) -> None:
    """By the rights of the service's user; one that is a file can never be."""
    text = "store:\n  backup_to: /root/copies\n  path: /root/log/audit.db\n"
    for place, said, serious in notices(tmp_path, text):
        assert place in (3, 4)
        assert "where nobody may not write; sudo install -d -o nobody /root/" in said
        assert not serious
    assert len(notices(tmp_path, text)) == 2
    ((_, said, serious),) = notices(tmp_path, "store: {path: clip.avi/audit.db}\n")
    assert serious
    assert "which is a file" in said
    ((_, said, serious),) = notices(tmp_path, f"store: {{path: {tmp_path}}}\n")
    assert serious
    assert "is a folder" in said


def test_hours_that_never_come_are_warned_of(tmp_path: Path) -> None:
    """A span on no day is seldom meant; one day is enough."""
    text = "lane: {hours: [{days: [], opens: '9:00', closes: '18:00'}]}\n"
    ((_, said, serious),) = notices(tmp_path, text)
    assert "the lane never opens" in said
    assert not serious
    assert notices(tmp_path, text.replace("[]", "sat")) == []


def test_a_port_and_a_group_are_looked_at(tmp_path: Path) -> None:
    """Neither is a mistake: the machine may be another one."""
    text = "metrics: {port: 80}\ncontrol: {readers: [no_such_group]}\n"
    port, group = notices(tmp_path, text)
    assert "below 1024 only root may listen" in port[1]
    assert "names the group no_such_group, which is not here" in group[1]
    assert not port[2]
    assert not group[2]
