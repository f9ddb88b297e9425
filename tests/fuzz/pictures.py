"""Pictures: upright pixels or one line; what ends a decoder ends a child only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from hypothesis import strategies as st

from gate.errors import PictureError
from gate.hardware.decoding import DecodingChild
from gate.hardware.picture_files import read_picture
from tests.fuzz.target import Target, corpus, edited, expect_a_line


def drawn() -> list[bytes]:
    """A small picture in every format, gray and in colour, and two that are not let in."""
    colour = (np.arange(48 * 64 * 3) % 251).astype(np.uint8).reshape(48, 64, 3)
    gray = colour[..., 0]
    both, only_gray = (".jpg", ".png", ".webp", ".tiff", ".bmp", ".jp2"), (".pgm", ".pbm")
    kinds = [(suffix, image) for suffix in both for image in (colour, gray)]
    kinds += [(".ppm", colour), *((suffix, gray) for suffix in only_gray)]
    return [cv2.imencode(suffix, image)[1].tobytes() for suffix, image in kinds]


@cache
def child() -> DecodingChild:
    """The process that decodes; it is begun anew where a picture ended it."""
    return DecodingChild()


def check(folder: Path, data: bytes) -> None:
    """Pixels of a picture, or one line; the child may end, this process may not."""
    path = folder / "picture.jpg"
    path.write_bytes(data)
    try:
        image = read_picture(path, child().decode)
    except PictureError as error:
        expect_a_line(error, f"{path}: ")
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape) > 0


EXIF = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
WORDS = [EXIF, b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"ftypavif", b"RIFF", b"II*\0", b"BM", b"P6 "]
WORDS += [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"9" * 12]

PICTURES = Target(
    "pictures",
    "a picture is pixels or one line, and no decoder ends the process",
    60_000,
    st.deferred(lambda: edited([*drawn(), *corpus("pictures")], WORDS)),
    check,
)
