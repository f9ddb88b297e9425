"""Labelled faces from folders: reading, framing, keeping out, splitting.

A data set is a folder with ``smiling/`` and ``not_smiling/``, pictures of any size and of any
format OpenCV reads. A face's key is ``CLASS/FILE``; the kept-out rule and the lists use it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.domain import Box
from gate.errors import PictureError
from gate.training import faces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from gate.domain import Image

CLASSES = ("not_smiling", "smiling")
"""Folder names; the place in the tuple is the label."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm", ".ppm", ".tif", ".tiff"})
LARGEST = 160
"""Pixels: bigger faces are shrunk on reading; no model here sees more than 64."""
MARGIN = 0.35
"""Box sides of surroundings kept around a face, for the augmentation to move in."""


class Crops(StrEnum):
    """What the pictures of a set show."""

    PHOTO = "photo"
    """Whole pictures: the face is found first."""
    HAAR = "haar"
    """The picture is the face's Haar box."""
    TIGHT = "tight"
    """Already cut close around the features, as in the SMILEs set."""
    AUTO = "auto"
    """Measured on a sample; see `gate.training.faces.measured`."""


TIGHT = (0.508, 0.3945, 1.2695)
"""Centre (x, y) and side of the Haar box, in picture sides, of a tight crop.

Median of 485 of 500 SMILEs pictures in which the cascade found a face after padding; the eye
cascade on 244 of them, compared with 341 GENKI faces, says the same within 1 % of a side.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled face: the picture (gray or BGR) and where its Haar box lies in it."""

    image: Image
    box: Box
    label: int
    key: str
    source: str
    """Name of its data set's folder."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A data set as read: the faces, and what had to be left out and why."""

    examples: tuple[Example, ...]
    unreadable: tuple[Path, ...]
    no_face: tuple[str, ...]
    """Keys of the photos in which no face was found."""
    crops: Crops


def pictures(folder: Path) -> list[tuple[str, Path, int]]:
    """Return (key, path, label) of all pictures of a set, sorted; raise `PictureError` if none."""
    found = []
    for label, name in enumerate(CLASSES):
        if not (folder / name).is_dir():
            raise PictureError(
                f"{folder}: has no folder {name}/; put the pictures into smiling/ and not_smiling/"
            )
        files = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise PictureError(
                f"{folder / name}: holds no pictures; a set needs faces of both classes"
            )
        found += [(f"{name}/{file.name}", file, label) for file in files]
    return found


def kept_out(key: str, share: float) -> bool:
    """Say whether a face belongs to the part that no training may see.

    The rule needs no list: the SHA-256 of the key, as a number between 0 and 1, lies below
    ``share``. It doesn't change when pictures are added or the order of a folder differs.
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return number / 2**64 < share


def read_list(path: Path) -> frozenset[str]:
    """Return the keys that a kept-out list names, one a line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise PictureError(f"{path}: no list that can be read; one CLASS/FILE a line") from None
    return frozenset(line.strip() for line in lines if line.strip())


def out_of_training(keys: Iterable[str], listed: Collection[str], share: float) -> frozenset[str]:
    """Return which of a set's keys are kept out: by the list if it names any, else by the rule."""
    keys = list(keys)
    named = frozenset(key for key in keys if key in listed)
    return named or frozenset(key for key in keys if kept_out(key, share))


def read(folder: Path, crops: Crops = Crops.AUTO, only: Collection[str] | None = None) -> Reading:
    """Read a data set (the faces whose key is in ``only``, if given).

    Raise `PictureError` where a class is missing or nothing in it can be read.
    """
    chosen = [item for item in pictures(folder) if only is None or item[0] in only]
    images: list[tuple[str, int, Image]] = []
    unreadable = []
    for key, path, label in chosen:
        image = open_picture(path)
        if image is None:
            unreadable.append(path)
        else:
            images.append((key, label, image))
    for label, name in enumerate(CLASSES):
        if not any(item[1] == label for item in images):
            raise PictureError(
                f"{folder / name}: none of its pictures can be used; a set needs faces of both "
                "classes"
            )
    geometry = {Crops.HAAR: (0.5, 0.5, 1.0), Crops.TIGHT: TIGHT}.get(crops)
    if crops is Crops.AUTO:
        geometry = faces.measured([image for _, _, image in images])
        crops = Crops.PHOTO if geometry is None else Crops.HAAR
        if geometry is not None and geometry[2] > 1.15:
            crops = Crops.TIGHT
    examples, no_face = [], []
    for key, label, image in images:
        box = faces.largest(image) if geometry is None else faces.placed(image, geometry)
        if box is None:
            no_face.append(key)
            continue
        near, inside = surroundings(image, box)
        examples.append(Example(near, inside, label, key, folder.name))
    if len({example.label for example in examples}) < len(CLASSES):
        raise PictureError(
            f"{folder}: faces were found in one class only; are the pictures faces already? "
            "Say so with --crops haar or --crops tight"
        )
    return Reading(tuple(examples), tuple(unreadable), tuple(no_face), crops)


def open_picture(path: Path) -> Image | None:
    """Return the picture as (h, w) gray or (h, w, 3) BGR, or None where it can't be read."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    if image is None or min(image.shape[:2]) < 8:
        return None
    plain = np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(
        image[..., 1], image[..., 2]
    )
    return image[..., 0].copy() if plain else image  # type: ignore[return-value]  # 8 bits by the flag


def surroundings(image: Image, box: Box) -> tuple[Image, Box]:
    """Return the part of the picture around the face, shrunk if large, and the box in it."""
    margin_x, margin_y = round(box.width * MARGIN), round(box.height * MARGIN)
    left, top = max(0, box.x - margin_x), max(0, box.y - margin_y)
    part = image[top : box.y + box.height + margin_y, left : box.x + box.width + margin_x]
    x, y, width, height = box.x - left, box.y - top, box.width, box.height
    factor = LARGEST / max(part.shape[:2])
    if factor < 1.0:
        size = (round(part.shape[1] * factor), round(part.shape[0] * factor))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # uint8 in and out
        x, y, width, height = (round(n * factor) for n in (x, y, width, height))
    return np.ascontiguousarray(part), Box(x, y, width, height)


def split(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Return (training, validation): ``share`` of each class of each set, by a fixed seed."""
    rng = np.random.default_rng(seed)
    training: list[Example] = []
    validation: list[Example] = []
    groups = sorted({(example.source, example.label) for example in examples})
    for group in groups:
        members = [e for e in examples if (e.source, e.label) == group]
        order = rng.permutation(len(members))
        held = max(1, round(share * len(members)))
        validation += [members[i] for i in order[:held]]
        training += [members[i] for i in order[held:]]
    if {e.label for e in training} != {0, 1}:
        raise PictureError("too few pictures to train on; give at least a few dozen a class")
    return training, validation
