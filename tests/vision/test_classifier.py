"""The TFLite adapter and the shipped model on real pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from gate.core.domain import Box
from gate.errors import ModelError
from gate.system import resources
from gate.vision.classifier import SHIPPED, TFLiteClassifier
from gate.vision.framing import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

FACE = Box(177, 66, 95, 95)
"""What the Haar cascade finds in scikit-image's astronaut photo."""


@pytest.fixture
def shipped() -> Iterator[TFLiteClassifier]:
    with TFLiteClassifier() as classifier:
        yield classifier


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped model and card that a test may spoil."""
    source = resources.path(SHIPPED)
    shutil.copy(source.with_suffix(".json"), tmp_path / "smile.json")
    return Path(shutil.copy(source, tmp_path / "smile.tflite"))


def edit(model: Path, **changes: object) -> None:
    card = model.with_suffix(".json")
    data = json.loads(card.read_text())
    card.write_text(json.dumps({**data, **changes}))


def gray() -> Any:
    return cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)


def score(classifier: TFLiteClassifier, picture: Any, box: Box = FACE) -> float:
    crop = cut(picture, box, classifier.card.framing, classifier.size)
    return float(classifier.score([crop])[0])


def test_a_real_smile_is_seen(shipped: TFLiteClassifier) -> None:
    """The astronaut smiles: the score must be well above the threshold."""
    assert score(shipped, gray()) > max(0.8, shipped.card.threshold)


@pytest.mark.parametrize("brightness", [0.25, 0.5, 2.0])
def test_bright_and_dark_need_no_second_model(shipped: TFLiteClassifier, brightness: float) -> None:
    """The same smile under other light must still count as one."""
    picture = np.clip(gray() * brightness, 0, 255).astype(np.uint8)
    assert score(shipped, picture) >= shipped.card.threshold


@pytest.mark.parametrize("side", [24, 32, 40, 64])
def test_a_small_face_is_enough(shipped: TFLiteClassifier, side: int) -> None:
    """A smile far away, ``side`` pixels wide, must still count."""
    share = side / FACE.width
    picture = cv2.resize(gray(), None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    box = Box(round(FACE.x * share), round(FACE.y * share), side, side)
    assert score(shipped, picture, box) >= shipped.card.threshold


@pytest.mark.parametrize("level", [0, 90, 160, 255])
def test_a_covered_mouth_is_not_a_smile(shipped: TFLiteClassifier, level: int) -> None:
    """With a plain patch over the mouth the score must fall below the threshold."""
    picture = gray()
    top, left = FACE.y + int(0.66 * FACE.height), FACE.x + int(0.15 * FACE.width)
    picture[top : FACE.y + FACE.height, left : FACE.x + int(0.85 * FACE.width)] = level
    assert score(shipped, picture) < shipped.card.threshold


def test_sunglasses_do_not_hide_a_smile(shipped: TFLiteClassifier) -> None:
    """Dark glasses over the eyes must leave the smile a smile."""
    picture = gray()
    for x in (0.31, 0.69):
        centre = (FACE.x + int(x * FACE.width), FACE.y + int(0.38 * FACE.height))
        cv2.ellipse(picture, centre, (16, 12), 0, 0, 360, (25,), cv2.FILLED)
    assert score(shipped, picture) >= shipped.card.threshold


def test_flat_pictures_and_noise_are_no_smile(shipped: TFLiteClassifier) -> None:
    """Nothing to see must never open the gate."""
    rng = np.random.default_rng(3)
    crops = [np.full(shipped.size, level, np.uint8) for level in (0, 128, 255)]
    crops += [rng.integers(0, 256, shipped.size).astype(np.uint8) for _ in range(5)]
    assert shipped.score(crops).max() < shipped.card.threshold


def test_each_crop_is_scored_on_its_own(shipped: TFLiteClassifier) -> None:
    """A crop's score must not depend on the others in the call, and no crops give no scores."""
    crop = cut(gray(), FACE, shipped.card.framing, shipped.size)
    flat = np.zeros_like(crop)
    assert shipped.score([flat, crop])[1] == shipped.score([crop])[0]
    assert shipped.score([]).shape == (0,)


def test_a_crop_of_another_size_is_refused(shipped: TFLiteClassifier) -> None:
    """A crop that wasn't cut for this model must not be resized silently."""
    with pytest.raises(ValueError, match="the model takes"):
        shipped.score([np.zeros((10, 10), np.uint8)])


def test_closing_twice_is_fine_and_ends_scoring() -> None:
    """``close`` may be called twice; a score after it says what to do."""
    classifier = TFLiteClassifier()
    classifier.close()
    classifier.close()
    with pytest.raises(ModelError, match="closed"):
        classifier.score([np.zeros(classifier.size, np.uint8)])


def test_a_missing_model_says_so(tmp_path: Path) -> None:
    """A path without a file must be named, with what to do."""
    with pytest.raises(ModelError, match=r"gone\.tflite: no model file"):
        TFLiteClassifier(tmp_path / "gone.tflite")


def test_a_missing_card_says_so(copy: Path) -> None:
    """A model without its card must not be guessed at."""
    copy.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="card is missing"):
        TFLiteClassifier(copy)


def test_a_card_for_another_file_is_refused(copy: Path) -> None:
    """A model that isn't the one the card was written for must be refused."""
    copy.write_bytes(copy.read_bytes() + b" ")
    with pytest.raises(ModelError, match="another file"):
        TFLiteClassifier(copy)


def test_a_card_with_another_input_size_is_refused(copy: Path) -> None:
    """A card whose input size isn't the file's must be refused."""
    edit(copy, input_size=[64, 64])
    with pytest.raises(ModelError, match="its card says"):
        TFLiteClassifier(copy)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threshold": 7}, "between 0 and 1"),
        ({"threshold": None}, "can't be used"),
        ({"framing": {"scale": 1}}, "can't be used"),
        ({"framing": 3}, "can't be used"),
        ({"normalisation": "magic"}, "can't be used"),
        ({"input_size": [48]}, "can't be used"),
    ],
)
def test_a_card_with_impossible_values_is_one_clear_line(
    copy: Path, changes: dict[str, object], says: str
) -> None:
    """A spoiled card must be one line that names the file."""
    edit(copy, **changes)
    with pytest.raises(ModelError, match=says) as caught:
        TFLiteClassifier(copy)
    assert "\n" not in str(caught.value)
    assert "smile.json" in str(caught.value)


def test_a_card_that_is_no_json_or_lacks_a_key_is_refused(copy: Path) -> None:
    """Half a card must say which part is missing."""
    card = copy.with_suffix(".json")
    data = json.loads(card.read_text())
    del data["threshold"]
    card.write_text(json.dumps(data))
    with pytest.raises(ModelError, match="lacks 'threshold'"):
        TFLiteClassifier(copy)
    card.write_text("{")
    with pytest.raises(ModelError, match="not a JSON card"):
        TFLiteClassifier(copy)


def test_a_file_that_is_no_model_is_refused(copy: Path) -> None:
    """A text file named .tflite must be one line, not a crash."""
    import hashlib

    copy.write_bytes(b"this is not a model")
    edit(copy, sha256=hashlib.sha256(copy.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match="not a TFLite model"):
        TFLiteClassifier(copy)
