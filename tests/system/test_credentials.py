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
        ("rtsp://gate:s3 cr et@cam/live", "rtsp://***@cam/live"),
        ("rtsp://gate:s3/cr?et@cam/live", "rtsp://***@cam/live"),
        ("rtsp://gate:s3%40cret@cam:554/live", "rtsp://***@cam:554/live"),
        ("rtsp://s3cret@cam/live", "rtsp://***@cam/live"),
        ("rtsp://gate:s3'cr\"et>@cam/live", "rtsp://***@cam/live"),
        (
            "cannot open rtsp://a:b@c, nor http://d:e@f",
            "cannot open rtsp://***@c, nor http://***@f",
        ),
        ("rtsp://cam/live@home", "rtsp://cam/live@home"),
        ("rtsp://cam:554/live@home", "rtsp://cam:554/live@home"),
        ("rtsp://[fe80::1]:554/live@home", "rtsp://[fe80::1]:554/live@home"),
        (
            "http://cam/a.mjpg?user=g&Password=s3cret&n=1",
            "http://cam/a.mjpg?user=g&Password=***&n=1",
        ),
        ("http://cam/a?p=s3cret", "http://cam/a?p=***"),
        ("http://cam/a?psk=s3cret&channel=1", "http://cam/a?psk=***&channel=1"),
        ("http://cam/a?passkey=s3cret", "http://cam/a?passkey=***"),
        ("http://cam/a?Authorization=Basic s3cret==", "http://cam/a?Authorization=***"),
        ("http://cam/a?auth=1234", "http://cam/a?auth=***"),
        ("http://cam/a?x-api-key=1234;b=2", "http://cam/a?x-api-key=***;b=2"),
        ("http://cam/a?password%3Ds3cret%26n%3D1", "http://cam/a?password%3D***%26n%3D1"),
        ("http://cam/a?pass%77ord=s3cret", "http://cam/a?pass%77ord=***"),
        ("http://cam/a?pass%2577ord=s3cret", "http://cam/a?pass%2577ord=***"),
        ("http://cam/a?pwd=s3 cr et&n=1", "http://cam/a?pwd=***&n=1"),
        ("http://cam/a?never_seen=s3cret", "http://cam/a?never_seen=***"),
        ("http://cam/a?s3cret", "http://cam/a?***"),
        ("http://cam/a#access_token=s3cret", "http://cam/a#access_token=***"),
        ("http://cam/auth/s3cret/live", "http://cam/auth/***/live"),
        ("http://cam/api/token/s3cret?n=1", "http://cam/api/token/***?n=1"),
        ("rtsps://nvr:7441/aB3dE5gH7jK9mN1p", "rtsps://nvr:7441/***"),
        (
            "rtsp://cam/user=admin_password=s3_cr_et_channel=1_stream=0.sdp",
            "rtsp://cam/user=admin_password=***_channel=1_stream=0.sdp",
        ),
        (
            "rtsp://cam/cam/realmonitor?channel=1&subtype=0&resolution=640x480",
            "rtsp://cam/cam/realmonitor?channel=1&subtype=0&resolution=640x480",
        ),
        ("rtsp://cam/Streaming/Channels/101", "rtsp://cam/Streaming/Channels/101"),
        ("'rtsp://a:b@c' -> 'rtsp://d:e@f'", "'rtsp://***@c' -> 'rtsp://***@f'"),
        ("/dev/video0", "/dev/video0"),
        ("password=in no address", "password=in no address"),
    ],
)
def test_a_password_is_masked(text: str, shown: str) -> None:
    """Whatever has an address in it can be shown, also what was shown once."""
    assert masked(text) == shown
    assert masked(shown) == shown


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
        ("http://cam/a.mjpg?p=hunter2", False),
        ("http://cam/a.mjpg?psk=hunter2", False),
        ("http://cam/a.mjpg?passkey=hunter2", False),
        ("http://cam/a.mjpg?Authorization=Basic hunter2", False),
        ("http://cam/a.mjpg?n=1&access_token=hunter2", False),
        ("http://cam/a.mjpg?password%3Dhunter2", False),
        ("http://cam/a.mjpg?pass%77ord=hunter2", False),
        ("http://cam/auth/hunter2/live", False),
        ("rtsp://gate:hunter2 and more@cam/live", False),
        ("rtsp://gate%3Ahunter2@cam/live", False),
        ("rtsp://gate:hun/ter2hunter2@cam/live", False),
        ("http://cam/auth/${NAME}/live", True),
        ("http://cam/a.mjpg?token=${NAME}", True),
        ("rtsps://nvr:7441/aB3dE5gH7jK9mN1p", True),
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
