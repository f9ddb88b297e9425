from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import CameraError
from gate.hardware.camera import CameraRequest, PictureSource, open_source

FLICKER = {"AeFlickerMode": (0, 1, 0), "AeFlickerPeriod": (100, 1000000, None)}


class Request:
    """One captured picture, with when it was taken."""

    def __init__(self, taken_ns: int | None) -> None:
        self._taken_ns = taken_ns
        self.released = False

    def get_metadata(self) -> dict[str, int]:
        return {} if self._taken_ns is None else {"SensorTimestamp": self._taken_ns}

    def make_array(self, name: str) -> NDArray[np.uint8]:
        assert (name, self.released) == ("main", False)
        return np.full((48, 64, 3), 7, np.uint8)

    def release(self) -> None:
        self.released = True


class Board:
    """A Pi with one camera and libcamera's rule: one owner at a time, until it is closed."""

    def __init__(self) -> None:
        self.owner: object | None = None
        self.failures: dict[str, Exception] = {}
        """What fails once, at which call."""
        self.controls: dict[str, object] = {"AeEnable": (False, True, None), **FLICKER}
        self.asked: dict[str, Any] = {}
        self.requests: list[Request] = []
        self.age_s: float | None = 0.2

    def library(self) -> ModuleType:
        board = self

        class Picamera2:
            camera_controls = board.controls

            def __init__(self) -> None:
                if board.owner is not None:
                    raise RuntimeError("Camera __init__ sequence did not complete.")
                board.owner = self

            def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
                return wanted

            def configure(self, wanted: dict[str, Any]) -> None:
                board.fail("configure")
                board.asked = wanted

            def start(self) -> None:
                board.fail("start")

            def capture_request(self) -> Request:
                board.fail("capture")
                taken = None
                if board.age_s is not None:
                    taken = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(board.age_s * 1e9)
                board.requests.append(Request(taken))
                return board.requests[-1]

            def close(self) -> None:
                if board.owner is self:
                    board.owner = None
                board.fail("close")

        library = ModuleType("picamera2")
        library.__dict__["Picamera2"] = Picamera2
        return library

    def fail(self, call: str) -> None:
        if call in self.failures:
            raise self.failures.pop(call)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    board = Board()
    monkeypatch.setitem(sys.modules, "picamera2", board.library())
    return board


def opened(flicker_hz: int | None = 50) -> PictureSource:
    return open_source("picamera", CameraRequest(64, 48, 15, flicker_hz))


@pytest.mark.parametrize("call", ["configure", "start"])
@pytest.mark.parametrize("error", [RuntimeError("did not start"), ValueError("unknown control")])
def test_a_camera_that_fails_to_start_can_be_opened_again(
    board: Board, call: str, error: Exception
) -> None:
    """Whatever goes wrong once the camera is acquired, it is given back for the next try."""
    board.failures[call] = error
    with pytest.raises(CameraError if isinstance(error, RuntimeError) else ValueError):
        opened()
    assert board.owner is None
    source = opened()
    assert source.read().shape == (48, 64, 3)
    source.close()
    source.close()
    assert board.owner is None


def test_a_camera_that_does_not_even_close_says_what_went_wrong_first(board: Board) -> None:
    """The first error is the one that helps."""
    board.failures = {"start": RuntimeError("no sensor"), "close": RuntimeError("not open")}
    with pytest.raises(CameraError, match="no sensor"):
        opened()


def test_every_picture_is_given_back_and_has_its_age(board: Board) -> None:
    """Age counts from the sensor; libcamera has few buffers, so each is released at once."""
    source = opened()
    source.read()
    taken = source.taken_s
    assert taken is not None
    assert taken <= time.monotonic() - 0.2
    board.age_s = None
    source.read()
    assert source.taken_s is None
    assert [request.released for request in board.requests] == [True, True]
    board.failures["capture"] = RuntimeError("timed out")
    with pytest.raises(CameraError, match="gives no picture"):
        source.read()


@pytest.mark.parametrize(("mains", "period"), [(50, 10000), (60, 8333)])
def test_exposures_fit_lamps_on_the_mains(board: Board, mains: int, period: int) -> None:
    """Lamps flicker at twice the frequency of the mains; the period is asked for in µs."""
    opened(mains).close()
    controls = board.asked["controls"]
    assert (controls["AeFlickerMode"], controls["AeFlickerPeriod"]) == (1, period)
    assert (controls["AeEnable"], controls["FrameRate"]) == (True, 15)


def test_a_control_that_the_camera_lacks_is_not_asked_for(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    """An older libcamera has no flicker control: the journal says so, and the camera runs."""
    for name in FLICKER:
        del board.controls[name]
    with caplog.at_level("INFO"):
        opened(50).close()
    assert "AeFlickerMode" not in board.asked["controls"]
    assert "no control for AeFlickerMode, AeFlickerPeriod" in caplog.text
    board.controls.update(FLICKER)
    opened(None).close()
    assert "AeFlickerMode" not in board.asked["controls"]
