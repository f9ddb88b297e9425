"""Eyes of whole faces to learn from: labelled ones, and what is made of them.

Lids are drawn together (`gate.training.lids`): half shut is still open, shut is closed, with light
and smile of the open ones around it. Dark lenses are not open eyes, rims around open ones are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import crop_geometry, data, lids, notes, occlusion
from gate.vision.framing import cut
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.random import Generator

    from gate.core.domain import Image
    from gate.training.data import Example

CLASSES = ("closed", "open")
"""Folder names of a set of eyes; the place in the tuple is the label."""
FRAMING = Framing(scale=0.32, shift_x=0.195, shift_y=-0.12)
"""An eye in units of the Haar box: measured on faces in which the eye cascade found both, eyes
are at (0.30, 0.38) and (0.69, 0.38), with a spread of 0.03."""
CONTEXT = 40
"""Side of what is kept around an eye for the augmentation to move in, px."""
WIDE = FRAMING.scale * CONTEXT / 24
"""Part of a Haar box that the kept square shows."""
NARROW, SHUT = (0.55, 0.85), (0.0, 0.15)
"""Openings of narrow and of shut eyes that are made."""
LENSES, RIMS = 0.15, 0.15
"""Shares of the faces of open eyes that get dark lenses, and rims."""


def read(folder: Path) -> list[Example]:
    """Read faces whose eyes are labelled: ``open/`` and ``closed/``, or all of them open.

    Photos, or faces all cut alike; where no face is found the picture is left out. Raise
    `PictureError` where there is none.
    """
    classed = [(folder / name, label) for label, name in enumerate(CLASSES)]
    parts = [part for part in classed if part[0].is_dir()] or [(folder, 1)]
    found = [
        (f"{part.name}/{path.name}", data.open_picture(path), label)
        for part, label in parts
        for path in sorted(part.iterdir())
        if path.suffix.lower() in data.SUFFIXES
    ]
    geometry = crop_geometry.measured([image for _, image, _ in crop_geometry.sample(found)])
    faces = []
    for key, image, label in found:
        if image is None:
            continue
        box = crop_geometry.placed(image, geometry) if geometry else crop_geometry.largest(image)
        if box is not None:
            faces.append(data.Example(*data.surroundings(image, box), label, key, folder.name))
    if not faces:
        raise PictureError(f"{folder}: no face with labelled eyes; put some into open/ and closed/")
    return faces


def narrowed_by_smiles(folder: Path, faces: Iterable[Example]) -> list[Example]:
    """Return the smiling faces of a set whose notes say that their eyes are narrow: open ones.

    Faces with glasses are left out, for some of them are sunglasses.
    """
    known = notes.of(folder)
    chosen = []
    for face in faces:
        note = known.get(face.key, notes.NOTHING)
        if face.label and note.narrow_eyes and note.traits.get("glasses") != "glasses":
            chosen.append(face)
    return chosen


def made_of(faces: Sequence[Example], rng: Generator) -> list[Example]:
    """Return eyes made of faces with open ones: narrow, shut, behind rims, and dark lenses.

    Faces whose eyes the cascade misses give only the latter two.
    """
    made: list[Example] = []
    for face in faces:
        gray = crop_geometry.as_gray(face.image)
        places = lids.eyes(gray, face.box)
        if places is not None:
            for label, between in enumerate((SHUT, NARROW)):
                openings = (rng.uniform(*between), rng.uniform(*between))
                drawn = lids.drawn_together(gray, face.box, places, openings)
                made += pair(replace(face, image=drawn, label=label))
        chance = rng.random()
        if chance < LENSES + RIMS:
            kind = occlusion.Kind.SUNGLASSES if chance < LENSES else occlusion.Kind.RIMS
            worn, _ = occlusion.draw(gray, face.box, rng, kind)
            made += pair(replace(face, image=worn, label=int(kind is occlusion.Kind.RIMS)))
    return made


def pair(face: Example) -> list[Example]:
    """Return both eyes of a face under its label, the viewer's right one mirrored."""
    gray = crop_geometry.as_gray(face.image)
    eyes = []
    for side in (-1, 1):
        place = Framing(WIDE, side * FRAMING.shift_x, FRAMING.shift_y)
        eye = cut(gray, face.box, place, (CONTEXT, CONTEXT))
        if side > 0:
            eye = np.ascontiguousarray(eye[:, ::-1])
        key = f"{face.key}#{'LR'[side > 0]}"
        one = centred(eye, WIDE, face.label, key, face.source)
        eyes.append(replace(one, person=face.person or face.key))
    return eyes


def from_crop(gray: Image, shown: float, label: int, key: str, source: str) -> Example:
    """Return a crop that shows ``shown`` of a Haar box, its edge continued to move in."""
    height, width = gray.shape
    longest = max(height, width)
    more = longest * (WIDE / shown - 1) / 2
    across, down = (round(more + (longest - side) / 2) for side in (width, height))
    wide = np.pad(gray, ((down, down), (across, across)), mode="edge")
    eye = np.asarray(cv2.resize(wide, (CONTEXT, CONTEXT), interpolation=cv2.INTER_AREA), np.uint8)
    return centred(eye, WIDE, label, key, source)


def centred(eye: Image, scale: float, label: int, key: str, source: str) -> Example:
    """Return an eye picture that shows ``scale`` of a Haar box, as an example centred on it."""
    side = round(CONTEXT / scale)
    corner = round(CONTEXT / 2 - side / 2)
    return data.Example(eye, Box(corner, corner, side, side), label, key, source)
