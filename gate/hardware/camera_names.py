"""Cameras by the names that `camera.source` gives them; none is opened, and OpenCV not needed."""

from __future__ import annotations

import importlib.util
import stat
from dataclasses import dataclass
from pathlib import Path

from gate.system.credentials import masked


@dataclass(frozen=True, slots=True)
class Missing:
    """What `camera.source` names and is not there."""

    text: str
    """What is missing and what to do, to follow the name of the setting."""
    may_come: bool
    """Whether it may be there later, or on another machine: a device is plugged in, a file is not.
    """


def at_hand(dev: Path = Path("/dev")) -> list[str]:
    """The cameras of this machine: ``picamera``, and USB ones by the names that stay.

    Of a USB camera's devices the first gives the pictures, the others what is known of them.
    """
    found = ["picamera"] if importlib.util.find_spec("picamera2") is not None else []
    links = sorted((dev / "v4l" / "by-id").glob("*-video-index0"))
    return found + [str(link) for link in links if _is_device(link)]


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:  # unplugged: its link may be there for a moment
        return False


def missing(source: str | int) -> Missing | None:
    """What is missing of a camera or recording; None where it is there, or is on the network."""
    name = str(source)
    if name == "picamera":
        if importlib.util.find_spec("picamera2") is None:
            return Missing(
                "is picamera, and this Python has no picamera2; on a Pi: sudo apt install"
                " python3-picamera2",
                may_come=True,
            )
        return None
    if "://" in name or name.startswith("${"):
        return None
    device = f"/dev/video{name}" if name.isdecimal() else name
    if Path(device).exists():
        return None
    if device.startswith("/dev/"):
        return Missing(
            f"is {device}, and there is none now; plug it in, or see v4l2-ctl --list-devices",
            may_come=True,
        )
    path = Path(device)
    meant = "" if path.suffix else " (did you mean 'picamera', or 0 for the first USB camera?)"
    return Missing(
        f"is no camera, and there is no video file or folder {masked(name)}{meant}", may_come=False
    )
