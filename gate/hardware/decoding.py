"""Bytes to pixels: pictures of a few formats, upright, and in a process of its own where wanted.

OpenCV goes by content, takes formats that nobody asked for, and some of its decoders crash on
harmed files. Here the first bytes must be those of a format that photos come in; and whoever judges
strange files lets a child decode them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.errors import PictureError
from gate.system.child import Child, ChildEnded, serve

if TYPE_CHECKING:
    from gate.core.domain import Image

LIMIT_S = 30.0
"""For one picture, s: one of 100 megapixels takes a Raspberry Pi 3 some ten."""
MEMORY = 2 * 2**30
"""What decoding may take, bytes: enough for some 200 megapixels."""
_STARTS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"II*\0",  # TIFF
    b"MM\0*",
    *(b"P%d%c" % (kind, space) for kind in (2, 3, 5, 6) for space in b" \t\r\n"),  # PGM, PPM
)
_HEADER = struct.Struct("<II")


def decode(data: bytes) -> Image:
    """Decode a picture to (height, width, 3) BGR, upright where it says which way is up.

    Raises `PictureError` with words that follow the file's name.
    """
    if not data:
        raise PictureError("the file is empty")
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    # A file may satisfy two decoders: AVIF's looks at the fifth byte only.
    if not (is_webp or data.startswith(_STARTS)) or data[4:8] == b"ftyp":
        raise PictureError("not a picture in JPEG, PNG, WebP, TIFF, BMP, PGM or PPM; convert it")
    # OpenCV 4.11 leaves WebP as it is stored, 4.14 turns it.
    flags = cv2.IMREAD_COLOR | (cv2.IMREAD_IGNORE_ORIENTATION if is_webp else 0)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError) as error:
        reason = getattr(error, "err", "") or "too large"
        raise PictureError(f"cannot be decoded: {reason}") from None
    if image is None:
        raise PictureError("damaged, or of a kind that is not known here")
    pixels = np.asarray(image, dtype=np.uint8)
    return np.ascontiguousarray(_turned(pixels, webp_orientation(data))) if is_webp else pixels


class DecodingChild:
    """Decodes in a process of its own, and in another one where a picture ended it."""

    def __init__(self) -> None:
        self._child = Child("gate.hardware.decoding")

    def decode(self, data: bytes) -> Image:
        """As `decode`; what crashes or hangs a decoder is a `PictureError` too."""
        try:
            answer = self._child.ask(data)
        except ChildEnded as error:
            raise PictureError(str(error)) from None
        height, width = _HEADER.unpack_from(answer)
        rest = memoryview(answer)[_HEADER.size :]
        if not height:
            raise PictureError(str(rest, "utf-8"))
        return np.frombuffer(rest, np.uint8).reshape(height, width, 3).copy()

    def close(self) -> None:
        """End the child; may be called twice."""
        self._child.close()

    def __enter__(self) -> DecodingChild:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def webp_orientation(data: bytes) -> int:
    """EXIF's orientation of a WebP file, 1–8; 1 where it has none (RFC 9649, EXIF 2.3)."""
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"EXIF":
            return _orientation(data[at + 8 : at + 8 + size].removeprefix(b"Exif\0\0"))
        at += 8 + size + size % 2
    return 1


def _orientation(exif: bytes) -> int:
    """Tag 274 of the first directory, which is one of a TIFF file."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if (tag, kind) == (274, 3):
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # it ends too early
    return 1


def _turned(image: Image, orientation: int) -> Image:
    """A picture of this orientation, upright."""
    match orientation:
        case 2:
            return image[:, ::-1]
        case 3:
            return image[::-1, ::-1]
        case 4:
            return image[::-1]
        case 5:
            return image.transpose(1, 0, 2)
        case 6:
            return np.rot90(image, -1)
        case 7:
            return image[::-1, ::-1].transpose(1, 0, 2)
        case 8:
            return np.rot90(image, 1)
    return image


def _answer(data: bytes) -> bytes:
    try:
        image = decode(data)
    except PictureError as error:
        return _HEADER.pack(0, 0) + str(error).encode()
    return _HEADER.pack(*image.shape[:2]) + image.tobytes()


if __name__ == "__main__":
    serve(_answer, limit_s=LIMIT_S, memory=MEMORY)
