"""What OpenCV's VideoCapture reads: USB cameras, network streams, video files.

A picture that is lost is passed over, a stream that lags is brought up to date, and a film is
upright and on its own clock, whatever the build of OpenCV does by itself.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.errors import CameraError, CutShort, EndOfClip
from gate.hardware import v4l2

if TYPE_CHECKING:
    from gate.core.domain import Image
    from gate.hardware.camera import CameraRequest

log = logging.getLogger(__name__)

NETWORK_TIMEOUT_MS = 5000
"""A stream that is silent for this long is lost; the camera's thread opens it again."""
LOST_READS = 5
"""Reads that may fail one after the other: damaged pictures, not the end of camera or clip."""
LOST_S = 1.0
"""Time that they may take together, s: a driver that waits longer has lost its camera."""
LAG_S = 0.5
"""A stream that is behind by more is brought up to date: pictures are dropped undecoded, s."""
LAG_LIMIT_S = 5.0
"""A stream that is behind by more, and cannot be brought up to date, is opened anew, s."""
CATCH_UP_S = 0.5
"""Time for dropping pictures at one read, s."""
DRIFT = 1e-3
"""How much a camera's clock may run slow: ten times what quartz does."""
SHORT = 0.9
"""Share of the pictures that a film says it has, below which its end is missing."""


class Capture:
    """A device, stream or file that OpenCV's VideoCapture reads."""

    def __init__(
        self,
        capture: cv2.VideoCapture,
        *,
        live: bool,
        fps: float,
        name: str,
        delay: Callable[[float, float], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``delay`` tells from the source's own time and now how old its picture is, s."""
        self._capture = capture
        self._name = name
        self._delay = delay
        self._clock = clock
        self._turns = _quarter_turns(capture)
        self._read = 0
        self._begun: float | None = None
        self.live = live
        self.fps = fps
        self.taken_s: float | None = None
        self.lost = self.dropped = 0
        said = 0 if live else int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.count = said if said > 0 else None

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        begun = self._clock()
        good, image = self._capture.read()
        for _ in range(LOST_READS):
            if (good and image is not None) or self._clock() - begun > LOST_S:
                break
            good, image = self._capture.read()
            self._count_lost()
        if not good or image is None:
            raise self._end()
        if self.live:
            image = self._newest(image)
        else:
            self.taken_s = self._film_time()
        self._read += 1
        return _turned(np.asarray(image, dtype=np.uint8), self._turns)

    def close(self) -> None:
        """Release the device or file."""
        self._capture.release()

    def _newest(self, image: cv2.typing.MatLike) -> cv2.typing.MatLike:
        """The picture, or a later one where that is too old; and when it was taken."""
        begun, age_s = self._clock(), self._age_s()
        dropped = 0
        while age_s > LAG_S and self._clock() - begun < CATCH_UP_S and self._capture.grab():
            dropped, age_s = dropped + 1, self._age_s()
        if age_s > LAG_LIMIT_S:
            raise CameraError(
                f"{self._name}: lags {age_s:.1f} s behind; lower its size, rate or bit rate"
            )
        if dropped:
            good, later = self._capture.retrieve()
            image = later if good and later is not None else image
            if not self.dropped:
                log.warning("%s: lags behind, pictures are dropped to catch up", self._name)
            self.dropped += dropped
        self.taken_s = self._clock() - age_s
        return image

    def _age_s(self) -> float:
        """Age of the picture that was grabbed last, s; 0 where the source does not tell."""
        at = self._position_s()
        return 0.0 if at is None or self._delay is None else self._delay(at, self._clock())

    def _film_time(self) -> float:
        """Time of the picture since the first, s: the film's own, or counted where it has none."""
        counted = 0.0 if self.taken_s is None else self.taken_s + 1 / self.fps
        at = self._position_s()
        if at is None:
            return counted
        if self._begun is None:
            self._begun = at
        film = at - self._begun
        return film if self.taken_s is None or film > self.taken_s else counted

    def _position_s(self) -> float | None:
        """The source's own time of the picture, s; None where it has none."""
        at = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return at if math.isfinite(at) and 0 <= at < 1e9 else None

    def _count_lost(self) -> None:
        self.lost += 1
        if self.live and math.log10(self.lost).is_integer():  # 1, 10, 100 …
            log.warning("%s: %d pictures could not be read and are left out", self._name, self.lost)

    def _end(self) -> CameraError:
        if self.live:
            return CameraError(f"{self._name}: gives no picture; check its cable or its stream")
        if not self._read:
            return CameraError(f"{self._name}: has no picture that can be decoded")
        if self.count is not None and self._read < SHORT * self.count:
            return CutShort(
                f"{self._name}: ends early, after {self._read} of {self.count} frames;"
                " the rest is missing or damaged"
            )
        return EndOfClip(f"{self._name}: the clip is over")


class StreamDelay:
    """How far a stream is behind, by its time stamps against the clock.

    The picture that came with the least delay counts as one without any, and so does each of a
    stream whose time stamps stand still.
    """

    def __init__(self) -> None:
        self._least: float | None = None
        self._at = 0.0
        self._stamp: float | None = None

    def __call__(self, stamp_s: float, now: float) -> float:
        """Delay of the picture with this time stamp that came now, s."""
        stands, self._stamp = stamp_s == self._stamp, stamp_s
        if stands:
            return 0.0
        offset = now - stamp_s
        least, self._least = self._least, offset
        if least is not None:
            least += DRIFT * (now - self._at)
            if least <= offset < least + 10 * LAG_LIMIT_S:  # else its clock was set
                self._least = least
        self._at = now
        return offset - self._least


def device_delay(stamp_s: float, now: float) -> float:
    """Age of a picture by its time stamp of the kernel's monotonic clock; 0 for another clock.

    A driver that has no time stamps says 0: within a minute of the boot that is no age either.
    """
    age_s = now - stamp_s
    return age_s if stamp_s > 0 and 0 <= age_s < 60 else 0.0


def open_device(path: str, wanted: CameraRequest) -> Capture:
    """A camera at a device file. Raises `CameraError`."""
    if not os.path.exists(path):
        raise CameraError(f"{path}: no such camera; see `v4l2-ctl --list-devices`")
    real = os.path.realpath(path)
    v4l2.ask(real, wanted.flicker_hz)
    with ExitStack() as stack:
        capture = _open(stack, path, lambda: cv2.VideoCapture(real, cv2.CAP_V4L2))
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, wanted.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, wanted.height),
            (cv2.CAP_PROP_FPS, wanted.fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # one old picture waiting at most
        ):
            capture.set(key, value)
        source = Capture(capture, live=True, fps=wanted.fps, name=path, delay=device_delay)
        stack.pop_all()
    return source


def open_stream(address: str, wanted: CameraRequest, name: str) -> Capture:
    """A network camera; ``name`` is what messages call it. Raises `CameraError`."""
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    with ExitStack() as stack:
        capture = _open(stack, name, lambda: cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits))
        source = Capture(capture, live=True, fps=wanted.fps, name=name, delay=StreamDelay())
        stack.pop_all()
    return source


def open_video(path: Path, wanted: CameraRequest) -> Capture:
    """A video file. Raises `CameraError`."""
    with ExitStack() as stack:
        capture = _open(stack, str(path), lambda: cv2.VideoCapture(str(path)))
        fps = capture.get(cv2.CAP_PROP_FPS)
        usable = math.isfinite(fps) and 0 < fps <= 1000
        source = Capture(capture, live=False, fps=fps if usable else wanted.fps, name=str(path))
        stack.pop_all()
    return source


def _open(stack: ExitStack, name: str, opened: Callable[[], cv2.VideoCapture]) -> cv2.VideoCapture:
    """The open capture, which ``stack`` releases. Raises `CameraError`."""
    capture = opened()
    stack.callback(capture.release)
    if not capture.isOpened():
        raise CameraError(f"{name}: not a video, stream or camera that can be opened")
    return capture


def _quarter_turns(capture: cv2.VideoCapture) -> int:
    """Quarter turns clockwise that are left to do: what a phone notes of how it was held.

    OpenCV turns by itself where its build can; which does, and whether unasked, has changed often.
    """
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    if capture.get(cv2.CAP_PROP_ORIENTATION_AUTO) == 1:
        return 0
    degrees = capture.get(cv2.CAP_PROP_ORIENTATION_META)
    return int(degrees) // 90 % 4 if degrees in (90, 180, 270) else 0


def _turned(image: Image, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(image, -quarters)) if quarters else image
