from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.errors import CameraError, EndOfClip, PictureError
from gate.hardware.camera import CameraRequest, open_source
from gate.hardware.picture_files import list_pictures, read_picture, write_picture


def test_a_video_knows_its_rate_and_ends(clip: Path) -> None:
    """Every frame of a file, then EndOfClip."""
    source = open_source(str(clip))
    assert (source.fps, source.live) == (15.0, False)
    assert source.count is not None
    for _ in range(source.count):
        assert source.read().shape == (480, 640, 3)
    with pytest.raises(EndOfClip):
        source.read()
    source.close()
    source.close()


def test_a_folder_is_played_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    """Frame 10 comes after frame 9."""
    for number in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), np.full((4, 4), number, np.uint8))
    source = open_source(str(tmp_path), CameraRequest(fps=5))
    assert (source.fps, source.count) == (5, 3)
    assert [int(source.read()[0, 0, 0]) for _ in range(3)] == [1, 9, 10]
    with pytest.raises(EndOfClip):
        source.read()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/dev/video99", "no such camera"),
        (99, "/dev/video99: no such camera"),
        ("picamera", "picamera2 cannot be imported"),
        ("nowhere.mp4", "no such video file, folder or camera"),
    ],
)
def test_a_camera_that_is_not_there_says_what_to_check(name: str | int, says: str) -> None:
    """Each kind of source has its own advice."""
    with pytest.raises(CameraError, match=says):
        open_source(name)


def test_a_stream_that_cannot_be_opened_does_not_give_its_password_away() -> None:
    """Messages end up in the log."""
    with pytest.raises(CameraError) as caught:
        open_source("rtsp://user:secret@127.0.0.1:9/stream")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9/stream" in str(caught.value)


def test_a_broken_picture_in_a_folder_is_a_camera_error(tmp_path: Path) -> None:
    """A folder as camera is a trial: a bad file is said, not skipped."""
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(CameraError, match=r"bad\.png"):
        open_source(str(tmp_path)).read()


def test_pictures_are_read_upright_and_in_colour(tmp_path: Path) -> None:
    """Gray and colour files are BGR; what is no picture says so."""
    write_picture(tmp_path / "sub" / "gray.png", np.full((6, 8), 7, np.uint8))
    assert read_picture(tmp_path / "sub" / "gray.png").shape == (6, 8, 3)
    assert list_pictures(tmp_path) == [tmp_path / "sub" / "gray.png"]
    with pytest.raises(PictureError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(tmp_path / "picture.unknown", np.zeros((4, 4), np.uint8))
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(tmp_path / "sub" / "gray.png" / "x.png", np.zeros((4, 4), np.uint8))
