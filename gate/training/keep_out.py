"""Choice of the faces that no training may see, so that no person or picture is on both sides.

A known person's faces are kept out together, over all sets; pictures that are nearly the same
count as of one person where nobody is known: frames of one film, the same photo cut twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.training import crop_geometry, data, notes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.core.domain import Image

SIDE = 16
"""Pixels of the side to which a picture is brought to be compared."""
ALIKE = 0.95
"""Correlation of two pictures of `SIDE` from which they count as near copies."""
BLOCK = 1024
"""Pictures compared with all others at once."""


def chosen(folder: Path, share: float) -> list[str]:
    """Return the keys of a set, sorted, that are to be kept out: about ``share`` of its people.

    The rule needs no chance: it is that of `data.kept_out`, on the person's name, or on the first
    key of a group of near copies. Raise `PictureError` where the folder holds no set.
    """
    known = notes.of(folder)
    items = data.pictures(folder)
    strangers = [item for item in items if not known.get(item[0], notes.NOTHING).person]
    names = {item[0]: known[item[0]].person for item in items if item not in strangers}
    pictures = [(key, data.open_picture(path)) for key, path, _ in strangers]
    readable = [(key, image) for key, image in pictures if image is not None]
    groups = alike([image for _, image in readable])
    names |= {key: readable[first][0] for (key, _), first in zip(readable, groups, strict=True)}
    return sorted(key for key, name in names.items() if data.kept_out(name, share))


def alike(pictures: Sequence[Image]) -> list[int]:
    """Return, for each picture, the index of the first one of its group of near copies."""
    if not pictures:
        return []
    vectors = np.stack([_vector(picture) for picture in pictures])
    first = list(range(len(pictures)))

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = first[index]
        return index

    for at in range(0, len(vectors), BLOCK):
        near = vectors[at : at + BLOCK] @ vectors.T >= ALIKE
        for one, other in zip(*np.nonzero(near), strict=True):
            low, high = sorted((root(at + int(one)), root(int(other))))
            first[high] = low
    return [root(index) for index in range(len(pictures))]


def _vector(picture: Image) -> NDArray[np.float32]:
    """Return a picture as a vector of length 1 whose products are correlations."""
    small = cv2.resize(
        crop_geometry.as_gray(picture), (SIDE, SIDE), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    small -= small.mean()
    vector: NDArray[np.float32] = small.ravel() / max(float(np.linalg.norm(small)), 1e-6)
    return vector
