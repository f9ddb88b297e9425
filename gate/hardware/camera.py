"""Sources of pictures: Pi camera, USB camera, network stream, video file, folder of pictures.

`open_source` gives a `PictureSource`; `gate.hardware.camera_thread` reads one in its own thread.
"""

from __future__ import annotations

import importlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from gate.errors import CameraError, EndOfClip, PictureError
from gate.hardware.picture_files import list_pictures, read_picture
from gate.system.credentials import masked, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate.core.domain import Image

NETWORK_TIMEOUT_MS = 5000
"""A stream that is silent for this long is lost; the camera's thread opens it again."""


class PictureSource(Protocol):
    """An open camera or clip."""

    live: bool
    """Whether pictures are lost when they aren't taken in time."""
    fps: float
    """Pictures a second: of a clip its own rate, of a camera the rate that was asked for."""
    count: int | None
    """Number of pictures that a clip says it has; None for a camera."""

    def read(self) -> Image:
        """The next picture, BGR; waits for it. Raises `CameraError`, or `EndOfClip` at its end."""

    def close(self) -> None:
        """Give the device or file back; may be called twice."""


@dataclass(frozen=True, slots=True)
class CameraRequest:
    """Size and rate to ask a live camera for."""

    width: int = 640
    height: int = 480
    fps: float = 15.0


def open_source(name: str | int, wanted: CameraRequest | None = None) -> PictureSource:
    """Open a camera or a clip.

    ``picamera``, a number or ``/dev/videoN``, an address with ``://``, a video file or a folder;
    ``${NAME}`` in it is replaced by the secret of that name, which is in no message.
    Raises `CameraError` with what to check if there is none.
    """
    wanted = wanted or CameraRequest()
    shown = masked(str(name))
    if isinstance(name, str):
        name = resolve(name)
    if name == "picamera":
        return PiCamera(wanted)
    if isinstance(name, int) or name.isdigit() or name.startswith("/dev/video"):
        return _device(name, wanted)
    if "://" in name:
        return _stream(name, wanted, shown)
    path = Path(name)
    if path.is_dir():
        return Folder(path, wanted.fps)
    if not path.exists():
        raise CameraError(f"{name}: no such video file, folder or camera")
    return _video(path, wanted)


class Capture:
    """A device, stream or file that OpenCV's VideoCapture reads."""

    def __init__(self, capture: cv2.VideoCapture, *, live: bool, fps: float, name: str) -> None:
        self._capture = capture
        self._name = name
        self._read_any = False
        self.live = live
        self.fps = fps
        said = 0 if live else int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.count = said if said > 0 else None

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        good, image = self._capture.read()
        if good and image is not None:
            self._read_any = True
            return np.asarray(image, dtype=np.uint8)
        if self.live:
            raise CameraError(f"{self._name}: gives no picture; check its cable or its stream")
        if not self._read_any:
            raise CameraError(f"{self._name}: has no picture that can be decoded")
        raise EndOfClip(f"{self._name}: the clip is over")

    def close(self) -> None:
        """Release the device or file."""
        self._capture.release()


class Folder:
    """The pictures of a folder, in the order of their names, as a clip."""

    live = False

    def __init__(self, path: Path, fps: float) -> None:
        self._left = list_pictures(path)[::-1]
        if not self._left:
            raise CameraError(f"{path}: no pictures in this folder")
        self.fps = fps
        self.count: int | None = len(self._left)

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        if not self._left:
            raise EndOfClip("the folder's last picture is shown")
        try:
            return read_picture(self._left.pop())
        except PictureError as error:
            raise CameraError(str(error)) from None

    def close(self) -> None:
        """Do nothing: no file is held open between pictures."""


class PiCamera:
    """The Pi's camera module, through picamera2 (Raspberry Pi OS's own package)."""

    live = True
    count: int | None = None

    def __init__(self, wanted: CameraRequest) -> None:
        try:
            picamera2 = importlib.import_module("picamera2")
        except ImportError as error:
            raise CameraError(
                "camera.source is 'picamera', but picamera2 cannot be imported"
                f" ({error}); on a Pi: sudo apt install python3-picamera2"
            ) from None
        try:
            self._camera: Any = picamera2.Picamera2()
            # picamera2 names formats from the highest byte down: "RGB888" is BGR in memory.
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (wanted.width, wanted.height), "format": "RGB888"},
                    controls={"FrameRate": wanted.fps},
                    buffer_count=2,
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise CameraError(f"the Pi camera does not start ({error}); check its cable") from None
        self.fps = wanted.fps

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        try:
            return np.asarray(self._camera.capture_array("main"), dtype=np.uint8)
        except (RuntimeError, OSError) as error:
            raise CameraError(
                f"the Pi camera gives no picture ({error}); check its cable"
            ) from None

    def close(self) -> None:
        """Stop the camera."""
        self._camera.close()


def _device(name: str | int, wanted: CameraRequest) -> PictureSource:
    path = f"/dev/video{name}" if str(name).isdigit() else str(name)
    if not os.path.exists(path):
        raise CameraError(f"{path}: no such camera; see `v4l2-ctl --list-devices`")
    capture = _open(path, lambda: cv2.VideoCapture(path, cv2.CAP_V4L2))
    for key, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, wanted.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, wanted.height),
        (cv2.CAP_PROP_FPS, wanted.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),  # one old picture waiting at most
    ):
        capture.set(key, value)
    return Capture(capture, live=True, fps=wanted.fps, name=path)


def _stream(address: str, wanted: CameraRequest, name: str) -> PictureSource:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    capture = _open(name, lambda: cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits))
    return Capture(capture, live=True, fps=wanted.fps, name=name)


def _video(path: Path, wanted: CameraRequest) -> PictureSource:
    capture = _open(str(path), lambda: cv2.VideoCapture(str(path)))
    fps = capture.get(cv2.CAP_PROP_FPS)
    usable = math.isfinite(fps) and 0 < fps <= 1000
    return Capture(capture, live=False, fps=fps if usable else wanted.fps, name=str(path))


def _open(name: str, opened: Callable[[], cv2.VideoCapture]) -> cv2.VideoCapture:
    capture = opened()
    if not capture.isOpened():
        capture.release()
        raise CameraError(f"{name}: not a video, stream or camera that can be opened")
    return capture
