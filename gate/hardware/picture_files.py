"""Pictures in files: read, write and list them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from gate.errors import PictureError
from gate.hardware import decoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate.core.domain import Image

SUFFIXES = frozenset(
    {".bmp", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
MAX_BYTES = 512 * 2**20
"""A picture's file is smaller; so that a device or a film is not read to its end."""


def read_picture(path: Path, decode: Callable[[bytes], Image] = decoding.decode) -> Image:
    """Read a picture as (height, width, 3) BGR, upright where the file says which way is up.

    ``decode`` may be that of a `gate.hardware.decoding.DecodingChild`.
    Raises `PictureError` with the reason if the file can't be read or isn't a picture.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise PictureError(f"{path}: is a folder, not a picture") from None
    except OSError as error:
        raise PictureError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"{path}: larger than {MAX_BYTES // 2**20} MB, so no picture")
    try:
        return decode(data)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None


def write_picture(path: Path, image: Image) -> None:
    """Write a picture in the format of the path's suffix. Raises `PictureError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        done = cv2.imwrite(str(path), image)
    except (OSError, cv2.error) as error:
        raise PictureError(f"{path}: cannot be written: {error}") from None
    if not done:
        raise PictureError(f"{path}: cannot be written; check the folder and the free space")


class VideoFile:
    """Writes a video frame by frame: MP4, or Motion JPEG for ``.avi``."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: Image) -> None:
        """Add a frame, (height, width, 3) BGR, all of one size. Raises `PictureError`."""
        if self._writer is None:
            code = "MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"
            height, width = image.shape[:2]
            self._writer = cv2.VideoWriter(
                str(self._path), cv2.VideoWriter.fourcc(*code), self._fps, (width, height)
            )
            if not self._writer.isOpened():
                raise PictureError(f"{self._path}: cannot be written; name a .mp4 or .avi file")
        self._writer.write(image)

    def close(self) -> None:
        """Finish the file; may be called twice."""
        if self._writer is not None:
            self._writer.release()


def list_pictures(folder: Path) -> list[Path]:
    """The picture files of a folder and its subfolders, by name, 2 before 10."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted((path for path in found if path.is_file()), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
