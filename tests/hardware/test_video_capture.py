from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import CameraError, CutShort, EndOfClip
from gate.hardware import video_capture
from gate.hardware.camera import PictureSource, open_source
from gate.hardware.video_capture import (
    LAG_LIMIT_S,
    LAG_S,
    LOST_READS,
    LOST_S,
    Capture,
    StreamDelay,
    device_delay,
)
from tests.films import FPS, film, space, turn

CORNER = (230, 40, 20)
"""The colour of the upright film's top left corner, BGR; the rest is dark."""


def upright(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    image = np.full((height, width, 3), 40, np.uint8)
    image[: height // 2, : width // 2] = CORNER
    return image


def numbered(count: int) -> list[NDArray[np.uint8]]:
    return [np.full((48, 64, 3), 20 + 20 * number, np.uint8) for number in range(count)]


def played(source: PictureSource) -> tuple[list[NDArray[np.uint8]], list[float], EndOfClip]:
    """Every picture of a clip with its time, and how it ended."""
    images, times = [], []
    try:
        while True:
            images.append(source.read())
            assert source.taken_s is not None
            times.append(source.taken_s)
    except EndOfClip as end:
        return images, times, end
    finally:
        source.close()


class Unturning:
    """A VideoCapture of a build that turns no picture by itself, asked or not."""

    def __init__(self, *arguments: Any) -> None:
        self._capture = cv2.VideoCapture(*arguments)
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)

    def set(self, key: int, value: float) -> bool:
        return key != cv2.CAP_PROP_ORIENTATION_AUTO and self._capture.set(key, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._capture, name)


@pytest.mark.parametrize("turns_itself", [True, False], ids=["OpenCV turns", "OpenCV does not"])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_film_is_upright_however_the_phone_was_held(
    tmp_path: Path, degrees: int, turns_itself: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note of the turn is heeded, whether this build of OpenCV does that by itself or not."""
    if not turns_itself:
        library = SimpleNamespace(**vars(cv2) | {"VideoCapture": Unturning})
        monkeypatch.setattr(video_capture, "cv2", library)
    stored = np.rot90(upright(), degrees // 90)  # shown turned clockwise, it is upright
    path = turn(film(tmp_path / "phone.mp4", [stored] * 3), degrees)
    images, _, _ = played(open_source(str(path)))
    assert len(images) == 3
    assert images[0].shape == (64, 96, 3)
    assert np.abs(images[0][8, 8].astype(int) - CORNER).max() < 30
    for y, x in ((56, 8), (8, 88), (56, 88)):
        assert images[0][y, x].max() < 90, (y, x)


@pytest.mark.parametrize("name", ["even.mp4", "even.avi"])
def test_an_even_film_is_on_its_frames_clock(tmp_path: Path, name: str) -> None:
    """The first picture is at 0 s."""
    _, times, _ = played(open_source(str(film(tmp_path / name, numbered(6)))))
    assert times == pytest.approx([number / FPS for number in range(6)])


def test_an_uneven_film_is_on_its_own_clock(tmp_path: Path) -> None:
    """A phone's film of varying rate plays at the times that it notes, not at an average rate."""
    path = space(film(tmp_path / "vfr.mp4", numbered(8)), [(3, 0.05), (2, 0.5), (3, 0.1)])
    _, times, _ = played(open_source(str(path)))
    assert times == pytest.approx([0, 0.05, 0.1, 0.15, 0.65, 1.15, 1.25, 1.35], abs=0.002)


def test_a_film_that_ends_early_says_so(tmp_path: Path) -> None:
    """A copy that was broken off is told from one that is over."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    whole = film(tmp_path / "whole.avi", noise)
    _, _, end = played(open_source(str(whole)))
    assert not isinstance(end, CutShort)
    half = tmp_path / "half.avi"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    images, _, end = played(open_source(str(half)))
    assert isinstance(end, CutShort)
    assert f"after {len(images)} of 40 frames" in str(end)


class Camera:
    """A VideoCapture on the test's own clock: a list of pictures, each with its time stamp.

    None is a picture that can't be read. ``cost_s`` is what decoding a picture takes.
    """

    def __init__(self, plays: list[float | None], *, cost_s: float = 0.0) -> None:
        self._plays = plays
        self._cost_s = cost_s
        self._stamp = -1.0
        self.now = 100.0
        self.closed = 0

    def clock(self) -> float:
        return self.now

    def get(self, key: int) -> float:
        return 1000 * self._stamp if key == cv2.CAP_PROP_POS_MSEC else 0.0

    def set(self, key: int, value: float) -> bool:
        return False

    def grab(self) -> bool:
        self.now += self._cost_s
        stamp = self._plays.pop(0) if self._plays else None
        if stamp is not None:
            self._stamp = stamp
        return stamp is not None

    def retrieve(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, np.full((4, 4, 3), 5, np.uint8)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        return self.retrieve() if self.grab() else (False, None)

    def release(self) -> None:
        self.closed += 1


def live(camera: Camera, delay: Callable[[float, float], float] | None = None) -> Capture:
    return Capture(
        camera,  # type: ignore[arg-type]  # all that is asked of a VideoCapture
        live=True,
        fps=10,
        name="cam",
        delay=delay,
        clock=camera.clock,
    )


def test_a_picture_that_is_lost_is_no_lost_camera(caplog: pytest.LogCaptureFixture) -> None:
    """Damaged pictures in a stream are left out and counted, without opening it anew."""
    source = live(Camera([0.0, None, 0.2, *[None] * LOST_READS, 0.8, 0.9]))
    for _ in range(4):
        source.read()
    assert source.lost == 1 + LOST_READS
    assert "could not be read" in caplog.text


def test_a_camera_that_gives_nothing_any_more_is_lost() -> None:
    """More failed reads than that in a row, or fewer that take long, end it."""
    source = live(Camera([0.0, *[None] * (LOST_READS + 1), 0.9]))
    source.read()
    with pytest.raises(CameraError, match="cam: gives no picture"):
        source.read()
    slow = Camera([None, 0.1], cost_s=2 * LOST_S)
    with pytest.raises(CameraError, match="gives no picture"):
        live(slow).read()


def test_a_stream_that_lags_is_brought_up_to_date(caplog: pytest.LogCaptureFixture) -> None:
    """Where pictures pile up, those that wait are dropped; the age of the next is the true one."""
    camera = Camera([number / 10 for number in range(100)])
    source = live(camera, StreamDelay())
    for _ in range(5):
        source.read()
        camera.now += 0.1
    assert source.taken_s == camera.now - 0.1
    camera.now += 2.0  # somebody else had the processor
    source.read()
    assert source.taken_s is not None
    assert 0 < camera.now - source.taken_s <= LAG_S + 0.01
    assert source.dropped >= 10
    assert "lags behind" in caplog.text


def test_a_picture_of_a_stream_that_stays_behind_is_as_old_as_it_is() -> None:
    """A decoder that is too slow does not make old pictures new: in the end it is opened anew."""
    camera = Camera([number / 10 for number in range(1000)], cost_s=0.3)
    source = live(camera, StreamDelay())
    ages = []

    def read_on() -> None:
        while True:
            source.read()
            assert source.taken_s is not None
            ages.append(camera.now - source.taken_s)

    with pytest.raises(CameraError, match="lags"):
        read_on()
    assert ages == sorted(ages)
    assert LAG_S < ages[-1] <= LAG_LIMIT_S


def test_a_camera_whose_clock_drifts_or_is_set_does_not_lag() -> None:
    """Ten times what quartz does for a day, and a jump of its time stamps, are no lag."""
    delay = StreamDelay()
    ages = [delay(at * (1 - 5e-4), float(at)) for at in range(86_400)]
    assert max(ages) < 0.01
    assert delay(5.0, 86_500.0) == 0.0
    assert delay(6.0, 86_501.0) == pytest.approx(0.0, abs=0.01)
    assert delay(6.5, 86_503.0) == pytest.approx(1.5, abs=0.01)
    still = StreamDelay()
    assert [still(0.0, float(now)) for now in range(100)] == [0.0] * 100, "no time stamps at all"


def test_a_stream_without_time_stamps_is_new_when_it_is_read() -> None:
    """Motion JPEG over HTTP has none: OpenCV gives a number beyond reason."""
    camera = Camera([-3.7e17, -3.7e17])
    source = live(camera, StreamDelay())
    source.read()
    camera.now += 3
    source.read()
    assert source.taken_s == camera.now


def test_a_devices_time_stamp_counts_where_it_is_the_monotonic_clocks() -> None:
    """Drivers that stamp otherwise are taken at the time of reading."""
    assert device_delay(99.8, 100.0) == pytest.approx(0.2)
    assert device_delay(1.7e9, 100.0) == 0.0
    assert device_delay(0.0, 100.0) == 0.0
    assert device_delay(0.0, 10.0) == 0.0, "a driver without time stamps, soon after the boot"


@pytest.mark.parametrize("failing", ["set", "get"])
def test_a_device_that_fails_while_it_is_set_up_is_given_back(
    failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that stays half open is busy for the next try."""
    camera = Camera([])

    def fail(*_: object) -> float:
        raise cv2.error("driver")

    setattr(camera, failing, fail)
    camera.isOpened = lambda: True  # type: ignore[attr-defined]
    library = SimpleNamespace(**vars(cv2) | {"VideoCapture": lambda *_: camera})
    monkeypatch.setattr(video_capture, "cv2", library)
    with pytest.raises(cv2.error):
        open_source("/dev/null")
    assert camera.closed == 1


@pytest.mark.parametrize(
    "name", ["/dev/null", "by-id/usb-046d_C920-video-index0", "gatecam", "/dev/gatecam", "0"]
)
def test_a_character_device_is_a_camera_whatever_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A udev name is live: its pictures replace each other, and unplugged it is not over."""
    path = name if name.startswith("/") or name.isdigit() else str(tmp_path / name)
    if path.startswith(str(tmp_path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).symlink_to("/dev/null")
    stamps = itertools.count()
    camera = Camera([float(next(stamps)), *[None] * 9])
    camera.isOpened = lambda: True  # type: ignore[attr-defined]
    opened: list[tuple[object, ...]] = []

    def capture(*arguments: object) -> Camera:
        opened.append(arguments)
        return camera

    library = SimpleNamespace(**vars(cv2) | {"VideoCapture": capture})
    monkeypatch.setattr(video_capture, "cv2", library)
    if not Path(path).exists():  # not plugged in here
        with pytest.raises(CameraError, match="no such camera"):
            open_source(path)
        return
    source = open_source(path)
    assert source.live
    assert opened == [("/dev/null", cv2.CAP_V4L2)]
    source.read()
    with pytest.raises(CameraError) as lost:
        source.read()
    assert not isinstance(lost.value, EndOfClip)
