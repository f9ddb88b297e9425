"""Pictures as a queue's camera would have taken them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.training import augment, occlusion, stress
from gate.training.occlusion import HIDES_MOUTH, Kind
from gate.training.plan import FRAMING, Strength
from gate.vision.framing import cut
from tests.seeing import astronaut

GRAY: Any = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
COLOUR: Any = astronaut()
FACE = Box(177, 66, 95, 95)


def mouth(image: Any) -> Any:
    return image[FACE.y + 70 : FACE.y + 84, FACE.x + 35 : FACE.x + 60]


def vary(seed: int, image: Any = GRAY) -> tuple[Any, float]:
    rng = np.random.default_rng(seed)
    return augment.vary(image, FACE, 1.0, FRAMING, (48, 48), rng, Strength())


def test_the_same_seed_gives_the_same_picture() -> None:
    """Two variations from one seed must be equal, from another not."""
    assert np.array_equal(vary(4)[0], vary(4)[0])
    assert not np.array_equal(vary(4)[0], vary(5)[0])


@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_every_variation_is_a_crop_of_the_size_asked_for(image: Any) -> None:
    """Whatever is drawn, a crop must be 8-bit gray of the right size, its label 0 or 1."""
    for seed in range(60):
        crop, label = vary(seed, image)
        assert crop.shape == (48, 48)
        assert crop.dtype == np.uint8
        assert label in (0.0, 1.0)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_hides_the_mouth_says_so(kind: Kind) -> None:
    """The label may only be kept where the mouth's pixels are, and must go where they aren't."""
    for seed in range(8):
        covered, seen = occlusion.draw(GRAY, FACE, np.random.default_rng(seed), kind)
        changed = np.mean(mouth(covered) != mouth(GRAY))
        assert seen == (kind not in HIDES_MOUTH)
        assert changed == 0.0 if seen else changed > 0.9
        assert not np.array_equal(covered, GRAY)


def test_occlusion_leaves_the_picture_it_was_given_alone() -> None:
    """The training picture must not be spoilt for the next epoch."""
    before = GRAY.copy()
    for seed in range(20):
        vary(seed)
    assert np.array_equal(before, GRAY)


def test_size_stress_makes_faces_of_that_many_pixels() -> None:
    """At 24 pixels the box must be 24 wide and still frame the same face."""
    level = next(level for level in stress.kinds()["face size, pixels"] if level.level == "24")
    small, box = level.change(GRAY, FACE, "key")
    assert box.width == 24
    whole = cut(GRAY, FACE, FRAMING, (48, 48)).astype(float)
    again = cut(small, box, FRAMING, (48, 48)).astype(float)
    assert np.corrcoef(whole.ravel(), again.ravel())[0, 1] > 0.85


def test_stress_on_a_face_repeats() -> None:
    """Noise and occlusion must be the same for the same face every time."""
    for name in ("noise, gray levels", "occlusion"):
        for level in stress.kinds()[name]:
            first, again = (level.change(GRAY, FACE, "smiling/1.jpg")[0] for _ in range(2))
            assert np.array_equal(first, again)


def test_glare_cuts_each_colour_off_by_itself() -> None:
    """A red that is full must stay full while the darker blue still grows."""
    patch = np.full((4, 4, 3), (40, 80, 220), np.uint8)
    for seed in range(10):
        bright = augment.glaring(patch, np.random.default_rng(seed))[0, 0]
        assert bright[2] == 255
        assert 40 < bright[0] <= 121


def test_rims_leave_the_eyes_in_sight() -> None:
    """Rims must darken what is around each eye, and not the eye itself."""
    eye = (slice(FACE.y + 33, FACE.y + 39), slice(FACE.x + 27, FACE.x + 33))
    for seed in range(20):
        worn, seen = occlusion.draw(GRAY, FACE, np.random.default_rng(seed), Kind.RIMS)
        assert seen
        assert np.mean(worn[eye] == GRAY[eye]) > 0.7
        assert np.mean(worn < GRAY) > 0.0005


def test_a_smile_that_was_made_to_talk_is_none() -> None:
    """With talk at its most, half of the smiles that are varied at all must lose their label."""
    often = Strength(talk=1.0, calm=0.0, occlusion=0.0)
    labels = [
        augment.vary(GRAY, FACE, 1.0, FRAMING, (48, 48), np.random.default_rng(seed), often)[1]
        for seed in range(60)
    ]
    assert 0.3 < float(np.mean(labels)) < 0.7
