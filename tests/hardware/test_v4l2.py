from __future__ import annotations

import errno
import logging

import pytest

from gate.hardware import v4l2


class Camera:
    """The kernel's side of a camera: takes the values that it knows of each control."""

    def __init__(self, knows: dict[int, set[int]]) -> None:
        self._knows = knows
        self.set: dict[int, int] = {}

    def ioctl(self, device: int, request: int, argument: bytes) -> None:
        assert request == v4l2.SET_CONTROL
        control, value = v4l2.CONTROL.unpack(argument)
        if value not in self._knows.get(control, set()):
            raise OSError(errno.EINVAL, "Invalid argument")
        self.set[control] = value


@pytest.mark.parametrize(("mains", "value"), [(50, 1), (60, 2)])
def test_a_camera_is_asked_for_exposures_that_fit_the_mains(mains: int, value: int) -> None:
    """The control keeps what an earlier program left: it is set at every opening."""
    camera = Camera({v4l2.POWER_LINE_FREQUENCY: {0, 1, 2, 3}, v4l2.EXPOSURE_AUTO: {1, 3}})
    v4l2.ask("/dev/null", mains, camera.ioctl)
    assert camera.set == {v4l2.POWER_LINE_FREQUENCY: value, v4l2.EXPOSURE_AUTO: 3}


def test_a_camera_without_a_control_is_used_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """A control that is not there is said in the journal, and is no failure; so is no device."""
    camera = Camera({v4l2.EXPOSURE_AUTO: {0, 1}})
    with caplog.at_level(logging.INFO):
        v4l2.ask("/dev/null", 50, camera.ioctl)
    assert camera.set == {v4l2.EXPOSURE_AUTO: 0}
    assert "no control for exposure for lamps on 50 Hz" in caplog.text
    v4l2.ask("/dev/null", None, camera.ioctl)
    v4l2.ask("/dev/null", 50)  # the kernel's own answer: not a camera
    v4l2.ask("/dev/no-such-camera", 50)


def test_the_request_is_the_kernels() -> None:
    """_IOWR('V', 28, struct v4l2_control): direction, size, type and number."""
    assert (3 << 30) | (v4l2.CONTROL.size << 16) | (ord("V") << 8) | 28 == v4l2.SET_CONTROL
