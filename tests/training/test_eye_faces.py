"""Whole faces whose eyes are labelled, and the eyes that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import eye_faces, eye_model
from gate.training.data import Example
from tests.seeing import FACE, astronaut

if TYPE_CHECKING:
    from pathlib import Path

PERSON = Example(astronaut(), Box(*FACE), 1, "open/astronaut.png", "photos")


def photos(folder: Path) -> Path:
    """The astronaut's photo, as a face with open eyes and as one with closed ones."""
    for name in eye_faces.CLASSES:
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / "astronaut.png"), astronaut())
    return folder


def test_faces_are_read_by_class_or_as_all_open(tmp_path: Path) -> None:
    """Two folders are two labels; a folder without them holds open eyes."""
    classed = eye_faces.read(photos(tmp_path / "faces"))
    assert sorted((face.key, face.label) for face in classed) == [
        ("closed/astronaut.png", 0),
        ("open/astronaut.png", 1),
    ]
    assert [face.label for face in eye_faces.read(tmp_path / "faces" / "closed")] == [1]


def test_a_folder_without_faces_is_named(tmp_path: Path) -> None:
    """Nothing to learn from must get one line."""
    with pytest.raises(PictureError, match="no face with labelled eyes"):
        eye_faces.read(tmp_path)


def test_both_eyes_of_a_face_have_its_label_and_person() -> None:
    """They must train or validate together, whoever else is known."""
    left, right = eye_faces.pair(PERSON)
    assert (left.label, right.label) == (1, 1)
    assert left.person == right.person == "open/astronaut.png"
    assert left.image.shape == (eye_faces.CONTEXT, eye_faces.CONTEXT)


@pytest.mark.slow
def test_open_eyes_give_narrow_shut_and_covered_ones() -> None:
    """Of 40 looks at one face there must be open and closed made ones, in pairs, each time."""
    made = eye_faces.made_of([PERSON] * 40, np.random.default_rng(2))
    labels = [eye.label for eye in made]
    assert labels[::2] == labels[1::2]
    assert 40 * 4 < len(made) < 40 * 5
    assert 0.4 < np.mean(labels) < 0.6


def test_a_crop_that_is_not_square_keeps_its_shape() -> None:
    """An eye in a flat crop must not be stretched: a disc stays as high as it is wide."""
    crop = np.full((40, 64), 200, np.uint8)
    cv2.circle(crop, (32, 20), 10, (20,), -1)
    eye = eye_faces.from_crop(crop, 0.28, 1, "open/a.png", "eyes").image < 110
    assert abs(int(eye.any(axis=0).sum()) - int(eye.any(axis=1).sum())) <= 1


def test_narrow_eyes_count_where_somebody_smiles_without_glasses(tmp_path: Path) -> None:
    """Glasses may be sunglasses, and who does not smile is not narrowing their eyes by it."""
    lines = ["set,path,glasses,attrs"]
    for name, glasses, narrow in (("a", 0, 1), ("b", 1, 1), ("c", 0, 0)):
        lines.append(f"faces,faces/smiling/{name}.jpg,{glasses},Narrow_Eyes={narrow}")
    lines.append("faces,faces/not_smiling/a.jpg,0,Narrow_Eyes=1")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    faces = [
        Example(astronaut(), Box(*FACE), int(key.startswith("smiling")), key, "faces")
        for key in ("smiling/a.jpg", "smiling/b.jpg", "smiling/c.jpg", "not_smiling/a.jpg")
    ]
    found = eye_faces.narrowed_by_smiles(tmp_path / "faces", faces)
    assert [face.key for face in found] == ["smiling/a.jpg"]


def test_what_is_made_of_a_face_stays_with_its_person() -> None:
    """Eyes to learn from must carry a person, so that no copy validates what another trained."""
    eyes = eye_model.to_learn([], [PERSON], seed=1)
    assert {eye.person for eye in eyes} == {"open/astronaut.png"}
    assert {eye.label for eye in eyes} == {0, 1}
