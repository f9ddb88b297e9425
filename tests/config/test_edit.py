"""Changes of a settings' file: only what was asked for, and never without a copy."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate.config.changes import flat
from gate.config.edit import Draft, edited
from gate.config.load import load
from gate.errors import ConfigError
from gate.system import resources

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
COPY = "gate.yaml.before-20261127T120000Z"
MINE = """\
# the left lane
camera:
    source: 0   # a webcam

    rotate: 90
relay: {pin: 17}   # behind the fuse
lane:
    hours: [{days: [sat, sun], opens: 09:30, closes: "18:00"}]
liveness:
    mode: off
gate:
# the end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file as a technician writes it."""
    path = tmp_path / "gate.yaml"
    path.write_text(MINE)
    return path


def test_only_the_values_are_other_ones() -> None:
    """Comments, blank lines, order, indentation, quotes and the words of a file stay."""
    text = edited(MINE, {"relay.pin": 22, "camera.source": "/dev/video2"})
    wanted = MINE.replace("pin: 17", "pin: 22").replace("source: 0  ", "source: /dev/video2")
    squeezed = [" ".join(line.split()) for line in wanted.splitlines()]
    assert [" ".join(line.split()) for line in text.splitlines()] == squeezed
    assert "\n    rotate: 90\n" in text


def test_the_commented_defaults_keep_every_comment() -> None:
    """A new file is the one that people know, with other values."""
    text = resources.path("config/gate.yaml").read_text()
    region = [0.1, 0, 0.8, 1]
    new = edited(text, {"relay.active_high": False, "face.region": region})
    lines = zip(text.splitlines(), new.splitlines(), strict=True)
    differ = [(old.split("#")[1], new.split("#")[1], new) for old, new in lines if old != new]
    assert all(old == new for old, new, _ in differ)
    assert [line.split("#")[0].strip() for *_, line in differ] == [
        "region: [0.1, 0, 0.8, 1]",
        "active_high: false",
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "face:\n  # small\n", "face: {}\n"])
def test_a_section_that_is_missing_is_added(tmp_path: Path, text: str) -> None:
    """Also to a file of comments, which stay."""
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    Draft.of(path).having(face__region=[0.1, 0, 0.8, 1], relay__pin=5).write(NOW)
    assert load(path).face.region == (0.1, 0, 0.8, 1)
    assert load(path).relay.pin == 5
    assert all(line in path.read_text() for line in text.splitlines() if "#" in line)


def test_the_file_before_is_kept(path: Path) -> None:
    """As it was, with its rights; and so is the next, in the same second."""
    path.chmod(0o640)
    assert Draft.of(path).having(relay__pin=22).write(NOW) == path.with_name(COPY)
    assert path.with_name(COPY).read_text() == MINE
    assert load(path).relay.pin == 22
    assert path.stat().st_mode & 0o777 == 0o640
    Draft.of(path).having(relay__pin=23).write(NOW)
    assert path.with_name(COPY).read_text() == MINE
    assert load(path.with_name(f"{COPY}-1")).relay.pin == 22
    assert len(list(path.parent.iterdir())) == 3


def test_the_owner_stays_the_owner(path: Path) -> None:
    """A technician can go on with the file that root has changed."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    os.chown(path, 12345, 23456)
    Draft.of(path).having(relay__pin=22).write(NOW)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_what_the_file_has_already_is_no_change(path: Path) -> None:
    """Nothing is written then, and nothing copied."""
    draft = Draft.of(path).having(relay__pin=22).having(relay__pin=17, camera__source=0)
    assert draft.changes() == ()
    assert draft.write(NOW) is None
    assert path.read_text() == MINE
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_the_commented_default(tmp_path: Path) -> None:
    """Even where nothing differs from it."""
    path = tmp_path / "gate.yaml"
    assert Draft.of(path).write(NOW) is None
    assert path.read_text() == resources.path("config/gate.yaml").read_text()


@pytest.mark.parametrize(
    ("values", "says"),
    [({"relay__pin": 99}, "relay.pin"), ({"relay__hold_s": 50.0}, "relay.max_on_s")],
)
def test_a_mistake_is_told_and_changes_nothing(
    path: Path, values: dict[str, Any], says: str
) -> None:
    """In the settings' own words, with the file's own name; a rule between settings counts."""
    with pytest.raises(ConfigError, match=says) as told:
        Draft.of(path).having(**values).write(NOW)
    assert str(told.value).startswith(f"{path}:")
    assert path.read_text() == MINE
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link(path: Path) -> None:
    """What it leads to is changed, where that lies."""
    (path.parent / "etc").mkdir()
    link = path.parent / "etc" / "gate.yaml"
    link.symlink_to(path)
    Draft.of(link).having(relay__pin=22).write(NOW)
    assert link.is_symlink()
    assert load(path).relay.pin == 22


def test_nothing_else_is_changed_in_passing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the round trip would make of another setting is looked at before it counts."""
    monkeypatch.setattr(
        "gate.config.edit.edited", lambda text, _: text.replace("17", "22").replace("90", "180")
    )
    with pytest.raises(ConfigError, match=r"without changing more than relay\.pin"):
        Draft.of(path).having(relay__pin=22).config()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One line, which says what to do."""
    with pytest.raises(ConfigError, match="there is no folder"):
        Draft.of(tmp_path / "none" / "gate.yaml").config()


def test_the_settings_with_the_changes_are_those_of_a_gate(path: Path) -> None:
    """Relative paths mean what they mean in the file; nothing is left beside it."""
    path.write_text(MINE.replace("source: 0", "source: clip.avi"))
    config = Draft.of(path).having(relay__pin=22).config()
    assert config.camera.source == str(path.parent / "clip.avi")
    assert config.relay.pin == 22
    assert flat(Draft.of(path).config())["relay.pin"] == 17
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_somebody_changes_meanwhile_is_left_alone(path: Path) -> None:
    """What they wrote counts; so does a file that was not there."""
    draft = Draft.of(path).having(relay__pin=22)
    new = Draft.of(path.with_name("new.yaml"))
    theirs = MINE.replace("17", "5")
    path.write_text(theirs)
    new.path.write_text(theirs)
    for one in (draft, new):
        with pytest.raises(ConfigError, match="meanwhile; begin again"):
            one.write(NOW)
        assert one.path.read_text() == theirs
    assert len(list(path.parent.iterdir())) == 2


def test_lines_end_as_they_did(path: Path) -> None:
    """As an editor of Windows ends them."""
    path.write_bytes(MINE.replace("\n", "\r\n").encode("utf-8-sig"))
    Draft.of(path).having(relay__pin=22).write(NOW)
    lines = path.read_bytes().decode().split("\r\n")
    assert len(lines) == len(MINE.split("\n"))
    assert not any("\n" in line or "\r" in line for line in lines)


def test_a_text_that_cannot_be_changed_so_is_told(path: Path) -> None:
    """Good settings all the same: by hand they can be changed."""
    for text in (f"%YAML 1.3\n---\n{MINE}", MINE.replace("gate:", "gate: {id: +5}")):
        path.write_text(text)
        load(path)
        with pytest.raises(ConfigError, match="by hand"):
            Draft.of(path).having(relay__pin=22).write(NOW)
        assert path.read_text() == text
