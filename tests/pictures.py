"""Picture files that say which way is up, made of bytes."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np

ORIENTATION = 274

UPRIGHT = np.zeros((40, 60, 3), np.uint8)
"""Four fields, so that each of the eight ways to turn it is another picture."""
UPRIGHT[:20, :30] = (0, 0, 255)
UPRIGHT[:20, 30:] = (0, 255, 0)
UPRIGHT[20:, :30] = (255, 0, 0)
UPRIGHT[20:, 30:] = (255, 255, 255)


def stored(value: int) -> Any:
    """`UPRIGHT` as a camera stores it that was held so (EXIF 2.3, tag 274)."""
    turned = {
        1: UPRIGHT,
        2: UPRIGHT[:, ::-1],
        3: UPRIGHT[::-1, ::-1],
        4: UPRIGHT[::-1],
        5: UPRIGHT.transpose(1, 0, 2),
        6: np.rot90(UPRIGHT, 1),
        7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(UPRIGHT, -1),
    }
    return np.ascontiguousarray(turned[value])


def exif(value: int, order: str = "<") -> bytes:
    """An EXIF block with nothing but the orientation."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", ORIENTATION, 3, 1, value, 0)
    return head + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


def jpeg(value: int, order: str = "<") -> bytes:
    """As a camera writes it: EXIF right after the first marker."""
    data = _encoded(".jpg", value, [cv2.IMWRITE_JPEG_QUALITY, 100])
    block = b"Exif\0\0" + exif(value, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def png(value: int, order: str = ">") -> bytes:
    """With a chunk eXIf before the picture (PNG, third edition)."""
    data, block = _encoded(".png", value), b"eXIf" + exif(value, order)
    chunk = struct.pack(">I", len(block) - 4) + block + struct.pack(">I", zlib.crc32(block))
    return data[:33] + chunk + data[33:]


def webp(value: int, order: str = "<") -> bytes:
    """In the extended form, EXIF after the picture (RFC 9649)."""
    data, block = _encoded(".webp", value, [cv2.IMWRITE_WEBP_QUALITY, 101]), exif(value, order)
    height, width = stored(value).shape[:2]
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<II", 10, 8) + sides + data[12:]
    body += b"EXIF" + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(value: int, order: str = "<") -> bytes:
    """Uncompressed RGB in one strip (TIFF 6.0)."""
    picture = stored(value)[:, :, ::-1]
    height, width = picture.shape[:2]
    pixels = picture.tobytes()
    tags = [(256, width), (257, height), (259, 1), (262, 2), (273, 8), (274, value), (277, 3)]
    tags += [(278, height), (279, len(pixels))]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels))
    bits = (258, 3, 3, 8 + len(pixels) + 2 + (len(tags) + 1) * 12 + 4)
    entries = sorted([(tag, 4, 1, number) for tag, number in tags] + [bits])
    table = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, number in entries:
        short = tag in (259, 262, 274, 277)
        table += struct.pack(
            f"{order}HHI" + ("HH" if short else "I"),
            *(tag, 3 if short else kind, count, number, *([0] if short else [])),
        )
    return head + pixels + table + bytes(4) + struct.pack(f"{order}HHH", 8, 8, 8)


FORMATS = {"jpeg": jpeg, "png": png, "webp": webp, "tiff": tiff}
"""A format's name → what makes a file of it from the orientation."""


def _encoded(suffix: str, value: int, options: list[int] | None = None) -> bytes:
    return cv2.imencode(suffix, stored(value), options or [])[1].tobytes()
