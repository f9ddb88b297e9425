"""Sources of pictures: Pi camera, USB camera, network stream, video file, folder of pictures.

`open_source` gives a `PictureSource`; `gate.hardware.camera_thread` reads one in its own thread.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gate.errors import CameraError, EndOfClip, PictureError
from gate.hardware.pi_camera import PiCamera
from gate.hardware.picture_files import list_pictures, read_picture
from gate.hardware.video_capture import open_device, open_stream, open_video
from gate.system.credentials import masked, resolve

if TYPE_CHECKING:
    from gate.core.domain import Image


class PictureSource(Protocol):
    """An open camera or clip."""

    live: bool
    """Whether pictures are lost when they aren't taken in time."""
    fps: float
    """Pictures a second: of a clip its own rate, of a camera the rate that was asked for."""
    count: int | None
    """Number of pictures that a clip says it has; None for a camera."""
    taken_s: float | None
    """When the picture that was read last was taken, s: of a camera by the monotonic clock, of a
    clip since its first picture. None where the source does not tell."""

    def read(self) -> Image:
        """The next picture, BGR; waits for it. Raises `CameraError`, or `EndOfClip` at its end."""

    def close(self) -> None:
        """Give the device or file back; may be called twice."""


@dataclass(frozen=True, slots=True)
class CameraRequest:
    """Size, rate and exposure to ask a live camera for."""

    width: int = 640
    height: int = 480
    fps: float = 15.0
    flicker_hz: int | None = 50
    """Frequency of the mains, for exposures without bands; None: as the camera does it."""


def open_source(name: str | int, wanted: CameraRequest | None = None) -> PictureSource:
    """Open a camera or a clip.

    ``picamera``, a number N for ``/dev/videoN``, any character device, an address with ``://``, a
    video file or a folder; ``${NAME}`` is replaced by the secret of that name, which is in no
    message.
    Raises `CameraError` with what to check if there is none.
    """
    wanted = wanted or CameraRequest()
    shown = masked(str(name))
    if isinstance(name, str):
        name = resolve(name)
    if name == "picamera":
        return PiCamera(wanted)
    if isinstance(name, int) or name.isdigit():
        return open_device(f"/dev/video{name}", wanted)
    if "://" in name:
        return open_stream(name, wanted, shown)
    path = Path(name)
    if _is_device(path):
        return open_device(name, wanted)
    if path.is_dir():
        return Folder(path, wanted.fps)
    if not path.exists():
        raise CameraError(f"{name}: no such video file, folder or camera")
    return open_video(path, wanted)


def _is_device(path: Path) -> bool:
    """Whether a path is that of a device, under whatever name; one below /dev may be unplugged."""
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return path.is_relative_to("/dev")


class Folder:
    """The pictures of a folder, in the order of their names, as a clip."""

    live = False

    def __init__(self, path: Path, fps: float) -> None:
        self._left = list_pictures(path)[::-1]
        if not self._left:
            raise CameraError(f"{path}: no pictures in this folder")
        self.fps = fps
        self.count: int | None = len(self._left)
        self.taken_s: float | None = None

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        if not self._left:
            raise EndOfClip("the folder's last picture is shown")
        self.taken_s = 0.0 if self.taken_s is None else self.taken_s + 1 / self.fps
        try:
            return read_picture(self._left.pop())
        except PictureError as error:
            raise CameraError(str(error)) from None

    def close(self) -> None:
        """Do nothing: no file is held open between pictures."""
