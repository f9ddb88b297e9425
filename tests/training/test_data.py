"""Reading, framing, keeping out and splitting labelled faces."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import crop_geometry, data
from gate.training.data import Crops, Example
from tests.seeing import astronaut

if TYPE_CHECKING:
    from pathlib import Path


def test_a_haar_set_is_read_with_its_box_around_each_picture(drawn: Path) -> None:
    """Every picture must become an example whose box is the whole picture."""
    reading = data.read(drawn, Crops.HAAR)
    assert len(reading.examples) == 24
    assert {e.box for e in reading.examples} == {Box(0, 0, 64, 64)}
    assert sum(e.label for e in reading.examples) == 12


def test_a_tight_set_has_boxes_larger_than_its_pictures(drawn: Path) -> None:
    """A tight crop's Haar box must reach beyond the picture, more above than below."""
    box = data.read(drawn, Crops.TIGHT).examples[0].box
    assert box.width > 64
    assert -box.y > box.y + box.height - 64


def test_photos_are_searched_for_their_face(tmp_path: Path) -> None:
    """In a real photo the astronaut's face must be found, and a faceless picture counted."""
    photo = astronaut()
    for name in data.CLASSES:
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), photo)
    cv2.imwrite(str(tmp_path / "smiling" / "sky.png"), np.full((200, 300), 180, np.uint8))
    reading = data.read(tmp_path, Crops.PHOTO)
    assert reading.no_face == ("smiling/sky.png",)
    assert len(reading.examples) == 2
    assert reading.examples[0].image.ndim == 3


def test_auto_measures_how_a_set_was_cut(tmp_path: Path) -> None:
    """Cuts of one real face by its Haar box must be seen as such, tighter ones as tight."""
    gray = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
    found = crop_geometry.largest(np.asarray(gray, np.uint8))
    assert found is not None
    x, y, side = found.x, found.y, found.width
    inner = round(0.787 * side)
    left, top = x + round(0.1 * side), y + round(0.189 * side)
    cuts = {
        Crops.HAAR: gray[y : y + side, x : x + side],
        Crops.TIGHT: gray[top : top + inner, left : left + inner],
    }
    for kind, picture in cuts.items():
        for name in data.CLASSES:
            folder = tmp_path / kind / name
            folder.mkdir(parents=True)
            for number in range(3):
                cv2.imwrite(str(folder / f"{number}.png"), picture)
        assert data.read(tmp_path / kind).crops is kind


def test_false_finds_are_told_from_faces(tmp_path: Path) -> None:
    """A box of cloth must be doubted, the box of a real face must not."""
    gray = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
    for name in data.CLASSES:
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "face.png"), gray[66:161, 177:272])
        cv2.imwrite(str(tmp_path / name / "cloth.png"), gray[300:400, 60:160])
    reading = data.read(tmp_path, Crops.HAAR, recheck=True)
    assert reading.doubtful == {"smiling/cloth.png", "not_smiling/cloth.png"}
    assert not data.read(tmp_path, Crops.HAAR).doubtful


def test_an_empty_folder_says_what_it_needs(tmp_path: Path) -> None:
    """A folder without the classes must be told how to lay the pictures out."""
    with pytest.raises(PictureError, match="has no folder not_smiling/"):
        data.read(tmp_path)


def test_one_class_only_is_refused(drawn: Path) -> None:
    """A set whose second class is empty must be named."""
    shutil.rmtree(drawn / "smiling")
    (drawn / "smiling").mkdir()
    with pytest.raises(PictureError, match="smiling: holds no pictures"):
        data.read(drawn)


def test_unreadable_pictures_are_left_out_and_told(drawn: Path) -> None:
    """A text file named .jpg and an empty one must be skipped, the others read."""
    (drawn / "smiling" / "text.jpg").write_text("hello")
    (drawn / "smiling" / "void.png").write_bytes(b"")
    reading = data.read(drawn, Crops.HAAR)
    assert [path.name for path in reading.unreadable] == ["text.jpg", "void.png"]
    assert len(reading.examples) == 24


def test_a_class_of_unreadable_pictures_is_refused(drawn: Path) -> None:
    """Where nothing in a class can be read, the class must be named."""
    for path in (drawn / "smiling").iterdir():
        path.write_text("hello")
    with pytest.raises(PictureError, match="smiling: none of its pictures can be read"):
        data.read(drawn, Crops.HAAR)


def test_the_kept_out_rule_never_changes() -> None:
    """The rule must keep the same fifth out for ever: these keys were drawn once."""
    keys = [f"smiling/file{number:04}.jpg" for number in range(1, 1001)]
    out = [key for key in keys if data.kept_out(key, 0.2)]
    assert 150 < len(out) < 250
    assert out[:3] == KEPT_OUT
    assert set(out) <= {key for key in keys if data.kept_out(key, 0.5)}


KEPT_OUT = ["smiling/file0010.jpg", "smiling/file0011.jpg", "smiling/file0017.jpg"]


def test_a_list_outranks_the_rule_for_the_set_that_it_names() -> None:
    """Where a list names any face of a set, it alone decides; elsewhere the rule does."""
    keys = [f"smiling/{number}.jpg" for number in range(50)]
    assert data.out_of_training(keys, {"smiling/7.jpg"}, 0.2) == {"smiling/7.jpg"}
    assert data.out_of_training(keys, {"smiling/other.jpg"}, 1.0) == set(keys)


def test_the_split_is_stratified_and_repeats() -> None:
    """A quarter of each class of each set must be held out, the same for the same seed."""
    image = np.zeros((8, 8), np.uint8)
    examples = [
        Example(image, Box(0, 0, 8, 8), label, f"{label}/{n}", source)
        for source in "ab"
        for label in (0, 1)
        for n in range(20 + 20 * label)
    ]
    training, validation = data.split(examples, 0.25, seed=3)
    again = data.split(examples, 0.25, seed=3)[1]
    other = data.split(examples, 0.25, seed=4)[1]
    assert [e.key for e in validation] == [e.key for e in again] != [e.key for e in other]
    assert len(training) + len(validation) == len(examples)
    for source in "ab":
        for label, count in ((0, 5), (1, 10)):
            assert sum(e.source == source and e.label == label for e in validation) == count


def test_a_set_with_notes_may_lack_a_class(drawn: Path) -> None:
    """Yawns are a set of their own: with a table beside them one class is enough."""
    (drawn.parent / "labels.csv").write_text(
        f"set,path,person\n{drawn.name},{drawn.name}/not_smiling/000.png,id1\n"
    )
    shutil.rmtree(drawn / "smiling")
    examples = data.read(drawn, Crops.HAAR).examples
    assert {e.label for e in examples} == {0}
    assert [e.key for e in examples if e.person == "id1"] == ["not_smiling/000.png"]


def test_a_wide_cut_has_its_box_inside(drawn: Path) -> None:
    """A Haar box with a fifth of its side added on each side is the picture's inner 5/7."""
    assert data.read(drawn, Crops.WIDE).examples[0].box == Box(9, 9, 46, 46)
