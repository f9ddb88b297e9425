"""Controls of a USB camera that OpenCV does not set: flicker and exposure (Video4Linux2).

A camera keeps its controls when its program ends: what another one left is asked for anew.
Source: linux/v4l2-controls.h, and VIDIOC_S_CTRL in the kernel's media documentation.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections.abc import Callable

log = logging.getLogger(__name__)

SET_CONTROL = 0xC008561C
"""VIDIOC_S_CTRL: _IOWR('V', 28, struct v4l2_control)."""
CONTROL = struct.Struct("=Ii")
"""struct v4l2_control: id, value."""
POWER_LINE_FREQUENCY = 0x00980918
LINES = {50: 1, 60: 2}
"""V4L2_CID_POWER_LINE_FREQUENCY_50HZ and _60HZ."""
EXPOSURE_AUTO = 0x009A0901
AUTOMATIC = (3, 0)
"""V4L2_EXPOSURE_APERTURE_PRIORITY, what webcams have, and V4L2_EXPOSURE_AUTO."""


def ask(
    path: str,
    flicker_hz: int | None,
    ioctl: Callable[[int, int, bytes], object] = fcntl.ioctl,
) -> None:
    """Ask the camera for automatic exposure, and for times that fit lamps on this mains.

    A camera without such a control is no failure: the journal says so.
    """
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # OpenCV is the next that tries, and says what is wrong
    try:
        wanted: list[tuple[str, int, tuple[int, ...]]] = [
            ("automatic exposure", EXPOSURE_AUTO, AUTOMATIC)
        ]
        if flicker_hz is not None:
            name = f"exposure for lamps on {flicker_hz} Hz"
            wanted.append((name, POWER_LINE_FREQUENCY, (LINES[flicker_hz],)))
        for name, control, values in wanted:
            if not any(_set(device, control, value, ioctl) for value in values):
                log.info("%s: has no control for %s", path, name)
    finally:
        os.close(device)


def _set(device: int, control: int, value: int, ioctl: Callable[[int, int, bytes], object]) -> bool:
    try:
        ioctl(device, SET_CONTROL, CONTROL.pack(control, value))
    except OSError:
        return False
    return True
