"""The cut of a face and its light."""

from __future__ import annotations

import numpy as np
import pytest

from gate.core.domain import Box
from gate.vision.framing import CLIP, cut, cuts, normalise, still_score
from gate.vision.model_input import Framing, Normalisation

WHOLE = Framing(scale=1.0, shift_x=0.0, shift_y=0.0)
RAMP = np.add.outer(np.arange(100), np.arange(120)).astype(np.uint8)


def test_the_whole_box_at_its_own_size_is_the_picture_itself() -> None:
    """A cut at scale 1 and the box's own size must give the box's pixels unchanged."""
    crop = cut(RAMP, Box(30, 20, 40, 40), WHOLE, (40, 40))
    assert np.array_equal(crop, RAMP[20:60, 30:70])


def test_scale_and_shift_are_in_box_sides() -> None:
    """Half a box, a quarter of a box to the right and down, must be the lower right quarter."""
    crop = cut(RAMP, Box(30, 20, 40, 40), Framing(0.5, 0.25, 0.25), (20, 20))
    assert np.array_equal(crop, RAMP[40:60, 50:70])


@pytest.mark.parametrize(
    "box", [Box(-30, -30, 60, 60), Box(90, 70, 60, 60), Box(-200, 0, 40, 40), Box(300, 300, 9, 9)]
)
def test_a_cut_beyond_the_frame_replicates_the_border(box: Box) -> None:
    """Pixels outside of the frame must repeat its border, whatever the box."""
    crop = cut(RAMP, box, WHOLE, (box.height, box.width))
    rows = np.clip(np.arange(box.y, box.y + box.height), 0, 99)
    columns = np.clip(np.arange(box.x, box.x + box.width), 0, 119)
    assert np.array_equal(crop, RAMP[np.ix_(rows, columns)])


def test_shrinking_averages_areas() -> None:
    """A fine checkerboard must shrink to even gray, not to one of its colours."""
    board = (np.indices((96, 96)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = cut(board, Box(0, 0, 96, 96), WHOLE, (24, 24))
    assert crop.min() >= 126
    assert crop.max() <= 129


def test_standard_normalisation_is_blind_to_brightness_and_contrast() -> None:
    """Half the contrast and more light must give the model the same numbers but for rounding."""
    crop = np.random.default_rng(1).integers(0, 200, (1, 48, 48)).astype(np.uint8)
    other = (crop // 2 + 90).astype(np.uint8)
    first = normalise(crop, Normalisation.STANDARD)
    assert first.shape == (1, 48, 48, 1)
    assert first.dtype == np.float32
    assert np.abs(first - normalise(other, Normalisation.STANDARD)).max() < 0.02
    assert np.abs(first).max() <= CLIP


def test_equalised_normalisation_is_blind_to_gamma() -> None:
    """A gamma curve without ties must not change an equalised crop."""
    crop = np.random.default_rng(1).permutation(np.arange(0, 256, 4).repeat(9)).astype(np.uint8)
    crop = crop.reshape(1, 24, 24)
    other = (255 * (crop / 255) ** 0.6).astype(np.uint8)
    first = normalise(crop, Normalisation.EQUALISED)
    assert np.array_equal(first, normalise(other, Normalisation.EQUALISED))


@pytest.mark.parametrize("how", list(Normalisation))
def test_a_flat_crop_stays_finite(how: Normalisation) -> None:
    """A crop of one gray level must not become noise or not-a-number."""
    assert np.isfinite(normalise(np.full((1, 8, 8), 77, np.uint8), how)).all()


def test_a_still_is_judged_by_several_cuts_of_one_face() -> None:
    """Three sizes and their mirror images; one doubtful cut does not decide."""
    gray = np.arange(100 * 100, dtype=np.uint8).reshape(100, 100)
    crops = cuts(gray, Box(20, 20, 60, 60), Framing(0.8, 0.0, 0.0), (24, 24))
    assert len(crops) == 6
    assert np.array_equal(crops[0][:, ::-1], crops[3])
    assert np.array_equal(
        crops[1], cut(gray, Box(20, 20, 60, 60), Framing(0.8, 0.0, 0.0), (24, 24))
    )
    assert still_score(np.full(6, 0.8, np.float32)) == pytest.approx(0.8, abs=1e-4)
    assert 0.5 < still_score(np.array([0.9, 0.9, 0.9, 0.9, 0.9, 0.2], np.float32)) < 0.9
    assert still_score(np.array([1.0, 0.0], np.float32)) == pytest.approx(0.5, abs=1e-3)
