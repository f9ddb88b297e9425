"""Kinds of faces that the shipped models must tell apart, on variants of one real photo.

Each kind is made by warping or drawing, on `VARIANTS` seeds that differ in strength, size, light
and noise; what must pass is asked to pass, and what must not is asked not to, as a rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from gate.core.domain import Box
from gate.core.rules import EyeMethod
from gate.system import resources
from gate.training import lids, mouths, occlusion
from gate.vision.classifier import EYES, TFLiteClassifier
from gate.vision.eyes import EyeJudge, EyeRules
from gate.vision.framing import cut
from gate.vision.view import View
from tests.seeing import FACE, astronaut

VARIANTS = 48
GRAY: Any = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
BOX = Box(*FACE)
Change = Callable[[np.random.Generator], Any]


def variants(change: Change) -> Iterator[tuple[Any, Box]]:
    """The changed photo and its face's box, at another size, in other light, with noise."""
    for seed in range(VARIANTS):
        rng = np.random.default_rng(seed)
        picture = change(rng)[40:200, 140:310]
        scale = rng.uniform(0.6, 1.6)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        sized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
        noise = rng.normal(0, rng.uniform(0, 4), sized.shape)
        lit = np.clip(sized * rng.uniform(0.5, 1.4) + noise, 0, 255).astype(np.uint8)
        x, y = (round(scale * n) for n in (BOX.x - 140, BOX.y - 40))
        yield lit, Box(x, y, round(scale * BOX.width), round(scale * BOX.height))


def eyes_drawn(between: tuple[float, float]) -> Change:
    """Both eyes, opened that far."""
    places = lids.eyes(GRAY, BOX)
    assert places is not None

    def change(rng: np.random.Generator) -> Any:
        openings = (rng.uniform(*between), rng.uniform(*between))
        return lids.drawn_together(GRAY, BOX, places, openings)

    return change


def wearing(kind: occlusion.Kind) -> Change:
    return lambda rng: occlusion.draw(GRAY, BOX, rng, kind)[0]


def as_it_is(rng: np.random.Generator) -> Any:
    return GRAY


def talking(rng: np.random.Generator) -> Any:
    """The smile drawn together to a narrow mouth, its corners down, and then opened."""
    return mouths.from_smile(GRAY, BOX, rng)


def share_with_two_eyes(change: Change) -> float:
    """How often both eyes are judged open by the model's one look at a live frame."""
    with TFLiteClassifier(resources.path(EYES)) as model:
        judge = EyeJudge(EyeRules(EyeMethod.MODEL), model)
        seen = [min(judge.score(View(picture), box, 0.0)) for picture, box in variants(change)]
    return float(np.mean(np.array(seen) >= judge.threshold))


def share_of_smiles(change: Change) -> float:
    """How often the smile model says yes to one look."""
    with TFLiteClassifier() as model:
        card, size = model.card, model.size
        crops = [cut(picture, box, card.framing, size) for picture, box in variants(change)]
        return float(np.mean(model.score(crops) >= card.threshold))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "least"),
    [
        (as_it_is, 0.95),
        (eyes_drawn((0.6, 0.8)), 0.95),
        (eyes_drawn((0.45, 0.6)), 0.95),
        (wearing(occlusion.Kind.RIMS), 0.9),
    ],
    ids=["as they are", "narrowed", "narrower", "behind rims"],
)
def test_open_eyes_are_open(change: Change, least: float) -> None:
    """Narrowed by a smile, behind thick rims: open eyes must be seen as open."""
    assert share_with_two_eyes(change) >= least


@pytest.mark.slow
def test_dark_lenses_are_not_open_eyes() -> None:
    """Who wears sunglasses must be asked to take them off, in any light."""
    assert share_with_two_eyes(wearing(occlusion.Kind.SUNGLASSES)) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [as_it_is, wearing(occlusion.Kind.RIMS), wearing(occlusion.Kind.BEARD)],
    ids=["as it is", "rims", "beard"],
)
def test_a_smile_is_one_whatever_is_worn(change: Change) -> None:
    """Neither size nor light, rims nor beard may hide a broad smile."""
    assert share_of_smiles(change) >= 0.95


@pytest.mark.slow
def test_an_open_mouth_is_no_smile() -> None:
    """A mouth that is narrow and open, teeth or none, must not be taken for a smile."""
    assert share_of_smiles(talking) <= 0.1
