"""Secrets of the camera's address: from where, and never to where."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gate.config.vision import CameraSettings
from gate.errors import CameraError
from gate.hardware.camera import open_source
from gate.system.credentials import masked, resolve

ADDRESS = "rtsp://gate:${CAMERA_PASSWORD}@127.0.0.1:9/live"


def test_a_credential_of_the_service_comes_first(tmp_path: Path) -> None:
    """Systemd's file wins over the environment; its line end is not part of the password."""
    (tmp_path / "CAMERA_PASSWORD").write_text("s3cret\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "CAMERA_PASSWORD": "other"}
    assert resolve(ADDRESS, environ) == "rtsp://gate:s3cret@127.0.0.1:9/live"
    del environ["CREDENTIALS_DIRECTORY"]
    assert resolve(ADDRESS, environ) == "rtsp://gate:other@127.0.0.1:9/live"


def test_signs_of_a_password_do_not_break_the_address() -> None:
    """Within an address it is percent-encoded; a whole address is taken as it is."""
    assert "p%40ss%2Fw%3Ard@" in resolve(ADDRESS, {"CAMERA_PASSWORD": "p@ss/w:rd"})
    assert resolve("${CAMERA}", {"CAMERA": "rtsp://a:b@c/d"}) == "rtsp://a:b@c/d"


@pytest.mark.parametrize("text", [ADDRESS, "${}", "${a b}"])
def test_a_missing_secret_is_one_line(text: str) -> None:
    """The message names the secret and the remedy."""
    with pytest.raises(CameraError, match=r"camera\.source: .*(missing|no name)"):
        resolve(text, {})


def test_an_unreadable_credential_is_one_line(tmp_path: Path) -> None:
    """A folder in the place of the file, or bytes that are no text."""
    (tmp_path / "CAMERA_PASSWORD").write_bytes(b"\xff\xfe")
    with pytest.raises(CameraError, match="cannot be read"):
        resolve(ADDRESS, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://gate:s3cret@cam/live", "rtsp://***@cam/live"),
        ("rtsp://gate:s@cr@et@cam/live", "rtsp://***@cam/live"),
        (
            "cannot open rtsp://a:b@c, nor http://d:e@f",
            "cannot open rtsp://***@c, nor http://***@f",
        ),
        ("rtsp://cam/live@home", "rtsp://cam/live@home"),
        (
            "http://cam/a.mjpg?user=g&Password=s3cret&n=1",
            "http://cam/a.mjpg?user=g&Password=***&n=1",
        ),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_a_password_is_masked(text: str, shown: str) -> None:
    """Whatever has an address in it can be shown."""
    assert masked(text) == shown


def test_a_password_is_in_no_message_and_on_no_stream(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the error nor what OpenCV and FFmpeg write to the terminal has it."""
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cret")
    for address in (ADDRESS, "http://127.0.0.1:9/a.mjpg?password=${CAMERA_PASSWORD}"):
        with pytest.raises(CameraError) as error:
            open_source(address)
        assert "s3cret" not in str(error.value)
    written = capfd.readouterr()
    assert "s3cret" not in written.out + written.err


@pytest.mark.parametrize(
    ("source", "good"),
    [
        ("rtsp://gate:hunter2@cam/live", False),
        ("http://cam/a.mjpg?pwd=hunter2", False),
        ("rtsp://cam:554/user=admin_password=hunter2_channel=1_stream=0.sdp", False),
        ("http://cam/a.mjpg?keyframes=1&author=x&bypass=1", True),
        ("rtsp://gate:x${NAME}@cam/live", True),
        ("http://cam/a.mjpg?pwd=${NAME}&n=1", True),
        ("rtsp://gate@cam/live", True),
        ("rtsp://cam/live", True),
        ("queue.mp4", True),
    ],
)
def test_no_password_stands_in_the_settings(source: str, good: bool) -> None:
    """A file that has one is refused in a line that does not repeat it."""
    if good:
        assert CameraSettings(source=source).source == source
        return
    with pytest.raises(ValidationError) as error:
        CameraSettings(source=source)
    (mistake,) = error.value.errors()
    assert "write ${CAMERA_PASSWORD} in its place" in mistake["msg"]
    assert "hunter2" not in mistake["msg"]
