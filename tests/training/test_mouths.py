"""Mouths opened by warping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gate.core.domain import Box
from gate.training import mouths

BOX = Box(20, 20, 100, 100)


def closed(line: int = 98) -> Any:
    """A gray face whose closed lips meet in a dark line."""
    face = np.full((140, 140), 160, np.uint8)
    face[line : line + 2, 52:88] = 60
    return face


@pytest.mark.parametrize("line", [97, 99, 101])
def test_the_lips_are_found_at_their_line(line: int) -> None:
    """The darkest line near a mouth's usual place must be taken for where the lips meet."""
    assert abs(20 + 100 * mouths.lip_line(closed(line), BOX) - line) <= 1.5


def test_every_seed_opens_the_mouth_below_its_upper_lip() -> None:
    """Forty mouths: each must have changed, mostly below the line, none beyond chin and nose."""
    face = closed()
    for seed in range(40):
        opened = mouths.talking(face, BOX, np.random.default_rng(seed))
        rows = np.flatnonzero((opened != face).any(axis=1))
        assert rows.size > 3
        assert rows.min() > 98 - 12
        assert rows.max() < 99 + 24
        assert np.mean(rows) > 98
        assert np.array_equal(opened[:, :40], face[:, :40])


def test_a_mouth_at_the_edge_of_the_picture_is_no_error() -> None:
    """A box may reach beyond the picture; the picture keeps its size."""
    for y in (-90, 80, 200):
        opened = mouths.talking(closed(), Box(20, y, 100, 100), np.random.default_rng(1))
        assert opened.shape == (140, 140)


def test_a_smile_that_is_made_to_talk_is_narrower_and_open() -> None:
    """Teeth that reached far to the sides must be drawn in, and the middle be opened."""
    face = closed()
    face[98:104, 45:95] = 250
    for seed in range(40):
        made = mouths.from_smile(face, BOX, np.random.default_rng(seed))
        assert (made[:, 45:50] > 200).sum() < (face[:, 45:50] > 200).sum() / 2
        assert not np.array_equal(made[95:115, 66:74], face[95:115, 66:74])
