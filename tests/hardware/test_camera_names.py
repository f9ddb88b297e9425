"""What `camera.source` names, looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gate.hardware.camera_names import at_hand, missing


@pytest.mark.parametrize("name", ["picamera2", "webcam", "usb", "camera"])
def test_a_word_that_is_no_camera_is_told_with_those_that_are(tmp_path: Path, name: str) -> None:
    """A file of that name is what it would be; it never comes by itself."""
    found = missing(str(tmp_path / name))
    assert found is not None
    assert not found.may_come
    assert "did you mean 'picamera', or 0" in found.text


def test_a_film_that_is_not_there_is_not_taken_for_a_camera(tmp_path: Path) -> None:
    """A name with a suffix is a film's."""
    found = missing(str(tmp_path / "clip.mp4"))
    assert found is not None
    assert "did you mean" not in found.text
    (tmp_path / "clip.mp4").touch()
    assert missing(str(tmp_path / "clip.mp4")) is None
    assert missing(str(tmp_path)) is None


@pytest.mark.parametrize("source", [77, "77", "/dev/video77", "/dev/v4l/by-id/none"])
def test_a_device_may_be_plugged_in_later(source: str | int) -> None:
    """Its absence is no mistake in the file."""
    found = missing(source)
    assert found is not None
    assert found.may_come


@pytest.mark.parametrize("source", ["rtsp://camera/live", "${CAMERA}"])
def test_what_is_on_the_network_is_not_looked_for(source: str) -> None:
    """Nothing is opened."""
    assert missing(source) is None


def test_cameras_are_found_by_the_names_that_stay(tmp_path: Path) -> None:
    """The first device of each camera; no link to nowhere, no file, no second device."""
    folder = tmp_path / "v4l" / "by-id"
    folder.mkdir(parents=True)
    for name in ("usb-Left-video-index0", "usb-Left-video-index1", "usb-Right-video-index0"):
        (folder / name).symlink_to("/dev/null")
    (folder / "usb-Gone-video-index0").symlink_to(tmp_path / "video9")
    (folder / "usb-File-video-index0").touch()
    found = [name for name in at_hand(tmp_path) if name != "picamera"]
    assert found == [str(folder / f"usb-{name}-video-index0") for name in ("Left", "Right")]


def test_a_pi_camera_is_found_by_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this Python can drive one."""
    monkeypatch.setitem(sys.modules, "picamera2", None)
    assert at_hand(tmp_path) == []
    monkeypatch.delitem(sys.modules, "picamera2")
    (tmp_path / "picamera2.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert at_hand(tmp_path) == ["picamera"]
