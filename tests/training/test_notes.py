"""What a table says of a set's faces, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gate.core.domain import Box
from gate.errors import PictureError
from gate.training import batches, data, notes
from gate.training.data import Example

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "set,path,person,sex,glasses,age,attrs\n"


def table(folder: Path, *lines: str) -> Path:
    """The folder of the set ``faces``, beside a table."""
    (folder / "labels.csv").write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return folder / "faces"


def test_a_table_tells_person_mouth_and_traits(tmp_path: Path) -> None:
    """What the columns say of a face must be found under its key, other sets' lines must not."""
    mouth = "No_Beard=0;Mouth_Slightly_Open=1;Narrow_Eyes=1"
    faces = table(
        tmp_path,
        f"faces,faces/smiling/a.jpg,id7,M,1,young,{mouth}",
        "others,others/smiling/b.jpg,id8,F,0,,",
    )
    (note,) = notes.of(faces).values()
    assert note == notes.of(faces)["smiling/a.jpg"]
    assert (note.person, note.cell, note.narrow_eyes) == ("id7", notes.MOUTH_OPEN, True)
    assert note.traits == {
        "sex": "male",
        "glasses": "glasses",
        "age": "young",
        "beard": "beard",
        "mouth": notes.MOUTH_OPEN,
    }


@pytest.mark.parametrize(
    ("attributes", "cell"),
    [
        ("Mouth_Slightly_Open=0", notes.MOUTH_CLOSED),
        ("expr=yawn", notes.MOUTH_OPEN),
        ("expr=sad", ""),
        ("neutral=2;surprise=5;fear=3;smile=0.0", notes.MOUTH_OPEN),
        ("neutral=8;sadness=2;smile=0.0", notes.MOUTH_CLOSED),
        ("happiness=9;surprise=1;smile=0.9", ""),
        ("", ""),
    ],
)
def test_the_mouth_is_told_by_attributes_votes_or_expression(
    tmp_path: Path, attributes: str, cell: str
) -> None:
    """Each kind of attribute must say whether the mouth is open, or leave it untold."""
    faces = table(tmp_path, f"faces,faces/not_smiling/a.jpg,,,,,{attributes}")
    assert notes.of(faces)["not_smiling/a.jpg"].cell == cell


def test_a_set_without_a_table_has_no_notes(tmp_path: Path) -> None:
    """Most sets have no table; that is no mistake."""
    assert notes.of(tmp_path / "faces") == {}


@pytest.mark.parametrize("text", ["a,b\n1,2\n", HEAD + "faces,faces/a.jpg,,,,,anger=often\n"])
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    """Other columns, and votes that are no numbers, must get one line."""
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(PictureError, match=r"labels\.csv"):
        notes.of(tmp_path / "faces")


def example(label: int, cell: str = "", person: str = "", key: str = "k") -> Example:
    picture = np.zeros((8, 8), np.uint8)
    return Example(picture, Box(0, 0, 8, 8), label, key, "set", person, cell)


def test_an_open_mouth_weighs_the_same_whoever_smiles() -> None:
    """Rare talkers and rare smiles with closed lips must weigh more than the common kinds."""
    counts = {
        (notes.MOUTH_OPEN, 0): 10,
        (notes.MOUTH_CLOSED, 0): 90,
        (notes.MOUTH_OPEN, 1): 80,
        (notes.MOUTH_CLOSED, 1): 20,
    }
    faces = [example(label, cell) for (cell, label), n in counts.items() for _ in range(n)]
    weights = batches.class_weights(faces)
    total = {
        kind: sum(
            w for face, w in zip(faces, weights, strict=True) if (face.cell, face.label) == kind
        )
        for kind in counts
    }
    assert total[notes.MOUTH_OPEN, 0] > 2 * total[notes.MOUTH_CLOSED, 0]
    assert total[notes.MOUTH_CLOSED, 1] > total[notes.MOUTH_OPEN, 1]
    smiles = total[notes.MOUTH_OPEN, 1] + total[notes.MOUTH_CLOSED, 1]
    assert smiles == pytest.approx(weights.sum() / 2, rel=1e-4)


def test_validation_shares_no_person_with_training() -> None:
    """A known person's faces must validate or train, all of them, over all classes."""
    faces = [
        example(label, person=f"id{number}", key=f"{label}/{number}")
        for number in range(60)
        for label in (0, 1)
    ]
    training, validation = data.split(faces, 0.25, seed=3)
    seen, held = ({face.person for face in part} for part in (training, validation))
    assert seen
    assert held
    assert not seen & held
