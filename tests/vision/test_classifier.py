"""The TFLite adapter and the shipped model on real pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.core.domain import Box
from gate.errors import ModelError
from gate.system import resources
from gate.vision import classifier
from gate.vision.classifier import SHIPPED, Card, TFLiteClassifier
from gate.vision.framing import cut
from tests.seeing import astronaut

if TYPE_CHECKING:
    from collections.abc import Iterator

FACE = Box(177, 66, 95, 95)
"""What the Haar cascade finds in the astronaut's photo."""


@pytest.fixture
def shipped() -> Iterator[TFLiteClassifier]:
    with TFLiteClassifier() as it:
        yield it


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
    return cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)


def score(model: TFLiteClassifier, picture: Any, box: Box = FACE) -> float:
    crop = cut(picture, box, model.card.framing, model.size)
    return float(model.score([crop])[0])


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
    model = TFLiteClassifier()
    model.close()
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.score([np.zeros(model.size, np.uint8)])


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
        ({"threshold": None}, "between 0 and 1"),
        ({"framing": {"scale": 1}}, "can't be used"),
        ({"framing": 3}, "can't be used"),
        ({"normalisation": "magic"}, "can't be used"),
        ({"input_size": [48]}, "can't be used"),
        ({"input_size": [float("inf"), 1]}, "input_size should be two whole numbers"),
        ({"input_size": [True, 48]}, "input_size should be two whole numbers"),
        ({"input_size": [10**400, 48]}, "input_size should be a number between 0 and 1024"),
        ({"input_size": {"0": 48, "1": 48}}, "input_size should be two whole numbers"),
        ({"framing": {"scale": "1", "shift_x": 0, "shift_y": 0}}, "framing.scale should be a num"),
        ({"framing": {"scale": 1e308, "shift_x": 0, "shift_y": 0}}, "framing.scale should be a nu"),
        ({"threshold": float("nan")}, "between 0 and 1"),
        ({"threshold": True}, "between 0 and 1"),
        ({"threshold": 10**400}, "between 0 and 1"),
        ({"labels": "ab"}, "labels should be two words"),
        ({"labels": [[], {}]}, "labels should be a word"),
        ({"name": "a\x1b[2J"}, "name should be a word"),
        ({"name": ["x"]}, "name should be a word"),
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


@pytest.mark.parametrize(
    "card",
    [
        b"[" * 60_000,
        b'{"name": ' * 7_000,
        b" " * 10**6,
        b"1" * 5000,
        b"[]",
        b"null",
        b'"card"',
        b"\xff\xfe",
        b"\0",
        b'{"name": "\\ud800"}',
    ],
)
def test_a_card_of_any_bytes_is_one_line(copy: Path, card: bytes) -> None:
    """Depth, size, digits and encodings: no traceback."""
    copy.with_suffix(".json").write_bytes(card)
    with pytest.raises(ModelError, match=r"smile\.json: ") as caught:
        TFLiteClassifier(copy)
    assert "\n" not in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
CARD = json.loads(resources.path(SHIPPED).with_suffix(".json").read_text())


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    key=st.sampled_from(["name", "sha256", "input_size", "framing", "threshold", "labels"]),
    within=st.none() | st.sampled_from([0, 1, "scale", "shift_x"]),
    value=VALUES,
)
def test_no_values_make_a_traceback(
    tmp_path: Path, key: str, within: int | str | None, value: object
) -> None:
    """Any value at any place of a card is read, or refused in a line."""
    card = json.loads(json.dumps(CARD))
    kinds: dict[type, type] = {dict: str, list: int}
    by = kinds.get(type(card[key]))
    if by is not None and isinstance(within, by):
        card[key][within] = value
    else:
        card[key] = value
    path = tmp_path / "smile.json"
    path.write_text(json.dumps(card))
    said = f"{path}: "
    try:
        Card.read(path)
    except ModelError as error:
        said = str(error)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said


def test_infinity_is_no_smile(shipped: TFLiteClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harmed model's infinite answer must not be taken for a sure one."""
    monkeypatch.setattr(
        classifier, "_real", lambda numbers, tensor: np.full((1, 1), np.inf, np.float32)
    )
    assert np.isnan(shipped.score([np.zeros(shipped.size, np.uint8)])).all()


def test_a_file_that_is_no_model_is_refused(copy: Path) -> None:
    """A text file named .tflite must be one line, not a crash."""
    import hashlib

    copy.write_bytes(b"this is not a model")
    edit(copy, sha256=hashlib.sha256(copy.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match="not a TFLite model"):
        TFLiteClassifier(copy)
