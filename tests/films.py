"""Films that players know and OpenCV's writer does not make: turned, uneven, cut short."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FPS = 10
ABOVE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
"""The boxes around the table of times, from the outside."""


def film(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float = FPS) -> Path:
    """A film of these frames, (height, width, 3) BGR: MPEG-4 in .mp4, Motion JPEG in .avi."""
    writer = None
    for frame in frames:
        if writer is None:
            code = "MJPG" if path.suffix == ".avi" else "mp4v"
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, size)
        writer.write(np.ascontiguousarray(frame))
    assert writer is not None
    writer.release()
    return path


def turn(path: Path, degrees: int) -> Path:
    """Note in an .mp4 that it is shown turned clockwise: the track's matrix (ISO 14496-12)."""
    data = bytearray(path.read_bytes())
    one, minus = 1 << 16, (1 << 32) - (1 << 16)
    a, b, c, d = {
        0: (one, 0, 0, one),
        90: (0, one, minus, 0),
        180: (minus, 0, 0, minus),
        270: (0, minus, one, 0),
    }[degrees]
    at = data.index(b"tkhd") + 4 + 40
    struct.pack_into(">9I", data, at, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def space(path: Path, runs: list[tuple[int, float]]) -> Path:
    """Give an .mp4 of one track uneven times: so many frames of so many seconds each, in a row."""
    data = bytearray(path.read_bytes())
    header = data.index(b"mdhd") + 4 + 12
    (scale,) = struct.unpack_from(">I", data, header)
    entries = [(count, round(seconds * scale)) for count, seconds in runs]
    at = data.index(b"stts") - 4
    (old,) = struct.unpack_from(">I", data, at)
    table = struct.pack(">II", 0, len(entries)) + b"".join(
        struct.pack(">II", *entry) for entry in entries
    )
    box = struct.pack(">I", len(table) + 8) + b"stts" + table
    for name in ABOVE:
        place = data.index(name) - 4
        (size,) = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, size + len(box) - old)
    data[at : at + old] = box
    # Without its list of edits, which would cut off what comes after the old end.
    edits = data.find(b"edts")
    if edits > 0:
        data[edits : edits + 4] = b"free"
    struct.pack_into(">I", data, header + 4, sum(count * units for count, units in entries))
    path.write_bytes(data)
    return path
