"""The Pi's camera module, through picamera2 (Raspberry Pi OS's own package)."""

from __future__ import annotations

import importlib
import logging
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import CameraError

if TYPE_CHECKING:
    from gate.core.domain import Image
    from gate.hardware.camera import CameraRequest

log = logging.getLogger(__name__)

MANUAL = 1
"""libcamera's AeFlickerMode.FlickerManual: the period is told."""


class PiCamera:
    """One camera at the Pi's connector; nobody else can open it before it is closed."""

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
        self.fps = wanted.fps
        self.taken_s: float | None = None
        with ExitStack() as stack:  # a camera that is kept half open can't be opened again
            try:
                self._camera: Any = picamera2.Picamera2()
                stack.callback(self.close)
                self._start(wanted)
            except (RuntimeError, IndexError, OSError) as error:
                raise CameraError(
                    f"the Pi camera does not start ({error}); check its cable"
                ) from None
            stack.pop_all()

    def _start(self, wanted: CameraRequest) -> None:
        known = getattr(self._camera, "camera_controls", {})
        asked = _exposure(wanted.flicker_hz)
        missing = sorted(asked.keys() - known.keys())
        if missing:
            log.info("the Pi camera has no control for %s", ", ".join(missing))
        # picamera2 names formats from the highest byte down: "RGB888" is BGR in memory.
        self._camera.configure(
            self._camera.create_video_configuration(
                main={"size": (wanted.width, wanted.height), "format": "RGB888"},
                controls={"FrameRate": wanted.fps}
                | {name: value for name, value in asked.items() if name in known},
                buffer_count=2,
            )
        )
        self._camera.start()

    def read(self) -> Image:
        """The next picture, (height, width, 3) BGR."""
        try:
            if not hasattr(self._camera, "capture_request"):
                return np.asarray(self._camera.capture_array("main"), dtype=np.uint8)
            request = self._camera.capture_request()
            try:
                self.taken_s = _taken_s(request.get_metadata())
                return np.array(request.make_array("main"), dtype=np.uint8)
            finally:
                request.release()
        except (RuntimeError, OSError) as error:
            raise CameraError(
                f"the Pi camera gives no picture ({error}); check its cable"
            ) from None

    def close(self) -> None:
        """Stop the camera."""
        with suppress(RuntimeError, OSError):  # it is gone: there is nothing to stop
            self._camera.close()


def _exposure(flicker_hz: int | None) -> dict[str, object]:
    """Automatic exposure, in times that fit lamps on mains of this frequency.

    Lamps flicker at twice the frequency; the period is in microseconds (libcamera's controls).
    """
    wanted: dict[str, object] = {"AeEnable": True}
    if flicker_hz is not None:
        wanted |= {"AeFlickerMode": MANUAL, "AeFlickerPeriod": round(1e6 / (2 * flicker_hz))}
    return wanted


def _taken_s(metadata: dict[str, Any]) -> float | None:
    """When the picture was taken, monotonic s; libcamera counts from the boot, sleep included."""
    stamp = metadata.get("SensorTimestamp")
    if stamp is None:
        return None
    now = time.monotonic()
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - stamp / 1e9
    return now - age_s if age_s >= 0 else None
