"""Labelled faces from folders: reading, framing, keeping out, splitting.

A data set is a folder with ``smiling/`` and ``not_smiling/``, pictures of any size in one of the
formats of `gate.hardware.decoding`. A face's key is ``CLASS/FILE``; the kept-out rule and the lists
use it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.errors import PictureError
from gate.hardware.picture_files import read_picture
from gate.training import crop_geometry, notes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from gate.core.domain import Image

CLASSES = ("not_smiling", "smiling")
"""Folder names; the place in the tuple is the label."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm", ".ppm", ".tif", ".tiff"})
LARGEST = 160
"""Pixels: bigger faces are shrunk on reading; no model here sees more than 64."""
MARGIN = 0.35
"""Box sides of surroundings kept around a face, for the augmentation to move in."""


class Crops(StrEnum):
    """Kinds of cut of a set's pictures."""

    PHOTO = "photo"
    """Whole pictures: the face is found first."""
    HAAR = "haar"
    """The picture is the face's Haar box."""
    TIGHT = "tight"
    """Already cut close around the features, as in the SMILEs set."""
    WIDE = "wide"
    """The face's Haar box with a fifth of its side added on each side."""
    AUTO = "auto"
    """Measured on a sample; see `gate.training.crop_geometry.measured`."""


GEOMETRY = {
    Crops.HAAR: crop_geometry.HAAR,
    Crops.TIGHT: crop_geometry.TIGHT,
    Crops.WIDE: crop_geometry.WIDE,
}
SAME = 0.06
"""Picture sides: a measured geometry this near to a known one is taken to be that one."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled face: the picture (gray or BGR) and where its Haar box lies in it."""

    image: Image
    box: Box
    label: int
    key: str
    source: str
    """Name of its data set's folder."""
    person: str = ""
    """Whose face it is, where `gate.training.notes` knows."""
    cell: str = ""
    """What the mouth does; see `gate.training.notes`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A data set as read: the faces, and those that had to be left out."""

    examples: tuple[Example, ...]
    unreadable: tuple[Path, ...]
    no_face: tuple[str, ...]
    """Keys of the photos in which no face was found."""
    crops: Crops
    doubtful: frozenset[str] = frozenset()
    """Keys of faces that no other cascade sees; only filled in where that was asked for."""


def pictures(folder: Path) -> list[tuple[str, Path, int]]:
    """Return (key, path, label) of all pictures of a set, sorted; raise `PictureError` if none.

    A set with notes may lack a class: yawns, say, among which nobody smiles.
    """
    found = []
    there = [name for name in CLASSES if (folder / name).is_dir()]
    one_is_enough = bool(there) and (folder.parent / notes.TABLE).is_file()
    for label, name in enumerate(CLASSES):
        if name not in there and one_is_enough:
            continue
        if name not in there:
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


def read(
    folder: Path,
    crops: Crops = Crops.AUTO,
    only: Collection[str] | None = None,
    *,
    recheck: bool = False,
) -> Reading:
    """Read a data set (the faces whose key is in ``only``, if given).

    ``recheck`` looks at every face that the default cascade found with two others; tight crops
    weren't found by a cascade and are left alone, and so is a set with notes.

    Raise `PictureError` where a class is missing or nothing in it can be used.
    """
    chosen = [item for item in pictures(folder) if only is None or item[0] in only]
    geometry = GEOMETRY.get(crops)
    if crops is Crops.AUTO:
        geometry = crop_geometry.measured(
            [image for _, image, _ in _opened(crop_geometry.sample(chosen))]
        )
        crops = Crops.PHOTO if geometry is None else _nearest(geometry)
        if geometry is not None and _apart(geometry, GEOMETRY[crops]) < SAME:
            geometry = GEOMETRY[crops]
    examples: list[Example] = []
    known = notes.of(folder)
    unreadable, no_face = [], []
    for item, image, label in _opened(chosen):
        if image is None:
            unreadable.append(item[1])
            continue
        box = (
            crop_geometry.largest(image)
            if geometry is None
            else crop_geometry.placed(image, geometry)
        )
        if box is None:
            no_face.append(item[0])
        else:
            note = known.get(item[0], notes.NOTHING)
            part = surroundings(image, box)
            examples.append(Example(*part, label, item[0], folder.name, note.person, note.cell))
    for label, name in enumerate(CLASSES):
        if not any(of_class == label for _, _, of_class in chosen):
            continue
        if not any(example.label == label for example in examples):
            why = (
                "no face was found in any of its pictures; if they are faces already, say "
                "--crops haar or --crops tight"
                if any(key.startswith(f"{name}/") for key in no_face)
                else "none of its pictures can be read; are they pictures?"
            )
            raise PictureError(f"{folder / name}: {why}")
    doubtful = frozenset(
        example.key
        for example in examples
        if recheck
        and not known
        and crops is not Crops.TIGHT
        and not crop_geometry.seen_again(example.image, example.box)
    )
    return Reading(tuple(examples), tuple(unreadable), tuple(no_face), crops, doubtful)


def _nearest(geometry: tuple[float, float, float]) -> Crops:
    """Return the kind of cut that a measured geometry is nearest to."""
    return min(GEOMETRY, key=lambda crops: _apart(geometry, GEOMETRY[crops]))


def _apart(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def _opened(
    chosen: Iterable[tuple[str, Path, int]],
) -> Iterator[tuple[tuple[str, Path, int], Image | None, int]]:
    for item in chosen:
        yield item, open_picture(item[1]), item[2]


def open_picture(path: Path) -> Image | None:
    """Return the picture as (h, w) gray or (h, w, 3) BGR, or None where it can't be read."""
    try:
        image = read_picture(path)
    except PictureError:
        return None
    if min(image.shape[:2]) < 8:
        return None
    plain = np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(
        image[..., 1], image[..., 2]
    )
    return image[..., 0].copy() if plain else image


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
    """Return (training, validation): ``share`` of each class of each set, by a fixed seed.

    A known person's faces stay together, over all sets.
    """
    rng = np.random.default_rng(seed)
    training: list[Example] = []
    validation: list[Example] = []
    known = [example for example in examples if example.person]
    for example in known:
        held_back = kept_out(f"{seed} {example.person}", share)
        (validation if held_back else training).append(example)
    others = [example for example in examples if not example.person]
    for group in sorted({(example.source, example.label) for example in others}):
        members = [e for e in others if (e.source, e.label) == group]
        order = rng.permutation(len(members))
        held = max(1, round(share * len(members)))
        validation += [members[i] for i in order[:held]]
        training += [members[i] for i in order[held:]]
    if {e.label for e in training} != {0, 1}:
        raise PictureError("too few pictures to train on; give at least a few dozen a class")
    return training, validation
