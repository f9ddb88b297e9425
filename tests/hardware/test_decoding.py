"""Pictures from anybody: a few formats, upright, and nothing that ends more than a child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import PictureError
from gate.hardware import decoding, picture_files
from gate.hardware.decoding import DecodingChild, decode, webp_orientation
from gate.hardware.picture_files import read_picture
from gate.system.child import Child
from tests import pictures

ALLOWED = (".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm", ".pgm")


@pytest.fixture(scope="module")
def child() -> Iterator[DecodingChild]:
    with DecodingChild() as it:
        yield it


def encoded(suffix: str) -> bytes:
    picture = np.full((8, 6) if suffix == ".pgm" else (8, 6, 3), 90, np.uint8)
    return cv2.imencode(suffix, picture)[1].tobytes()


@pytest.mark.parametrize("suffix", ALLOWED)
def test_the_formats_of_photos_are_read(child: DecodingChild, suffix: str) -> None:
    """Each is three channels of the right size, here and in the child."""
    for image in (decode(encoded(suffix)), child.decode(encoded(suffix))):
        assert image.shape == (8, 6, 3)
        assert image.dtype == np.uint8
        assert abs(float(image.mean()) - 90) < 3
        image[0, 0] = 1  # may be drawn on


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", pictures.FORMATS)
def test_a_picture_is_upright_however_the_camera_was_held(
    kind: str, order: str, value: int
) -> None:
    """All eight orientations of each format that tells one, in both byte orders."""
    image = decode(pictures.FORMATS[kind](value, order))
    assert image.shape == pictures.UPRIGHT.shape
    inner = np.abs(image.astype(int) - pictures.UPRIGHT)[3:-3, 3:-3]
    assert inner.mean() < 20


def test_a_webp_may_name_its_exif_as_jpeg_does() -> None:
    """Some writers keep JPEG's six bytes before it; a harmed block is taken for none."""
    head = b"RIFF\0\0\0\0WEBP"
    block = b"Exif\0\0" + pictures.exif(6)
    chunk = b"EXIF" + len(block).to_bytes(4, "little")
    assert webp_orientation(head + chunk + block) == 6
    assert webp_orientation(head + chunk + block[:-14]) == 1
    assert webp_orientation(head + chunk) == 1
    assert webp_orientation(head + b"EXIF\x04\0\0\0abcd") == 1
    assert webp_orientation(head + b"VP8 \xff\xff\xff\xff") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        b"\xff\x4f\xff\x51" + bytes(40),
        b"GIF89a" + bytes(40),
        b"\0\0\0\x20ftypavif" + bytes(40),
        b"BM\0\0ftypavif" + bytes(40),
        b"P4\n1 1\n\0",
        b"P7\nWIDTH 1\n",
        b"#?RADIANCE\n",
        b"\x76\x2f\x31\x01" + bytes(40),
        b"PF\n1 1\n-1\n" + bytes(12),
        b"<svg/>",
        b"text",
        b"\0",
    ],
)
def test_other_formats_are_refused_unseen(
    data: bytes, monkeypatch: pytest.MonkeyPatch, child: DecodingChild, tmp_path: Path
) -> None:
    """The content counts, not the name; OpenCV's decoders do not get to see it."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=r"photo\.jpg: not a picture in JPEG, PNG, WebP"):
        read_picture(path, child.decode)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match=r"photo\.jpg: not a picture in JPEG, PNG, WebP"):
        read_picture(path)


def test_a_crash_is_a_line_and_the_next_picture_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the child, the one after it decodes."""

    class Harmed(Child):
        harm = b"crash"

        def ask(self, request: bytes) -> bytes:
            if not self.harm:
                return super().ask(request)
            self._module, module = "tests.system.crashing", self._module
            try:
                return super().ask(self.harm)
            finally:
                self._module, Harmed.harm = module, b""

    monkeypatch.setattr(decoding, "Child", Harmed)
    with DecodingChild() as child:
        with pytest.raises(PictureError, match=r"crashed what reads it \(SIGSEGV\)"):
            child.decode(encoded(".png"))
        assert child.decode(encoded(".png")).shape == (8, 6, 3)


def test_a_bomb_takes_no_memory(child: DecodingChild) -> None:
    """A header that promises a billion pixels is refused."""
    for header in (b"P6 60000 60000 255\n", b"P6 30000 30000 255\n"):
        with pytest.raises(PictureError):
            child.decode(header)


def test_a_file_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device or a film in the place of a photo is one line."""
    monkeypatch.setattr(picture_files, "MAX_BYTES", 2**20)
    with pytest.raises(PictureError, match="/dev/zero: larger than 1 MB, so no picture"):
        read_picture(Path("/dev/zero"))


SEEDS = [encoded(suffix) for suffix in ALLOWED]
SEEDS += [make(6, order) for make in pictures.FORMATS.values() for order in "<>"]


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 9), st.binary(max_size=9)), max_size=5
    ),
)
def test_no_header_makes_a_traceback(
    child: DecodingChild, seed: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    """A harmed picture is a picture or a line."""
    for at, length, piece in edits:
        seed = seed[:at] + piece + seed[at + length :]
    said = ""
    try:
        assert child.decode(seed).shape[2] == 3
    except PictureError as error:
        said = str(error)
    assert "\n" not in said
