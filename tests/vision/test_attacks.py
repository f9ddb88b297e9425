"""Still pictures of a smiling face, in every way people hold them, against the real pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gate.core.domain import Frame
from gate.core.rules import LivenessMode, Rules, why_not
from gate.system import resources
from gate.vision.classifier import TFLiteClassifier
from gate.vision.liveness import LivenessRules
from gate.vision.pipeline import Pipeline, PipelineSettings
from tests.seeing import MOUTH, astronaut
from tests.vision import attacks

if TYPE_CHECKING:
    from gate.core.domain import Image

SEEDS = range(20)
SECONDS = 1.8
FRAMES_TO_GRANT = 3
"""Far fewer than a gate asks for: what isn't let in here is let in nowhere."""


@pytest.fixture(scope="module")
def smile() -> Iterator[TFLiteClassifier]:
    with TFLiteClassifier() as classifier:
        yield classifier


@pytest.fixture(scope="module")
def eyes() -> Iterator[TFLiteClassifier]:
    with TFLiteClassifier(resources.path("models/eyes.tflite")) as classifier:
        yield classifier


def smiling() -> Image:
    """The astronaut, cut so that her face fills a hand-held print."""
    return astronaut()[10:230, 115:335]


def neutral() -> Image:
    """The same print with the smile taken out: the mouth's place filled in from around it."""
    photo = astronaut()
    x, y, width, height = MOUTH
    mask = np.zeros(photo.shape[:2], np.uint8)
    cv2.ellipse(
        mask, (x + width // 2, y + height // 2), (width // 2, height // 2), 0, 0, 360, (255,), -1
    )
    return np.asarray(cv2.inpaint(photo, mask, 5, cv2.INPAINT_TELEA), np.uint8)[10:230, 115:335]


def most_in_a_row(
    frames: Iterator[Image], mode: LivenessMode, smile: TFLiteClassifier, eyes: TFLiteClassifier
) -> tuple[int, int]:
    """The longest run of frames that qualify, and how many would without a liveness check."""
    pipeline = Pipeline(PipelineSettings(liveness=LivenessRules(mode)), smile, eyes)
    rules = Rules(threshold=smile.card.threshold)
    longest = run = would = 0
    for index, image in enumerate(frames):
        seen = pipeline.observe(Frame(image, index, index / attacks.FPS))
        reason = why_not(rules, seen)
        run = run + 1 if reason is None else 0
        longest = max(longest, run)
        would += reason is None or reason == "photo_suspected"
    return longest, would


def attack(species: str, seed: int) -> Iterator[Image]:
    """One attack of a species, different for each seed."""
    place = attacks.scene(seed)
    if species.startswith("screen"):
        motions = (attacks.steady, attacks.shaken, attacks.tilted, attacks.zoomed)
        return attacks.screen(smiling(), motions[seed % 4](seed), place, SECONDS)
    if species.startswith("swap"):
        motion = (attacks.steady, attacks.shaken)[seed % 2](seed)
        slide = species == "swap slid"
        return attacks.swapped(neutral(), smiling(), motion, place, 1.5 * SECONDS, slide)
    motion = getattr(attacks, species.removeprefix("print "))(seed)
    return attacks.frames(smiling(), motion, place, SECONDS)


SPECIES = (
    "print steady",
    "print shaken",
    "print tilted",
    "print zoomed",
    "screen",
    "swap dropped",
    "swap slid",
)


@pytest.mark.slow
@pytest.mark.parametrize("species", SPECIES)
def test_no_still_picture_is_let_in_with_neutral_first(
    species: str, smile: TFLiteClassifier, eyes: TFLiteClassifier
) -> None:
    """However it is moved, a picture never shows a mouth that begins to smile."""
    would = 0
    for seed in SEEDS:
        longest, enough = most_in_a_row(
            attack(species, seed), LivenessMode.NEUTRAL_FIRST, smile, eyes
        )
        assert longest < FRAMES_TO_GRANT, f"{species}, seed {seed}: {longest} frames qualified"
        would += enough >= FRAMES_TO_GRANT
    assert would > len(SEEDS) / 2, "the attack is too weak to prove anything"


@pytest.mark.slow
@pytest.mark.parametrize("species", ["print shaken", "print tilted", "screen", "swap dropped"])
def test_no_still_picture_blinks(
    species: str, smile: TFLiteClassifier, eyes: TFLiteClassifier
) -> None:
    """Blur, tilt and glare may hide eyes; they don't close them."""
    for seed in list(SEEDS)[::4]:
        longest, _ = most_in_a_row(attack(species, seed), LivenessMode.BLINK, smile, eyes)
        assert longest < FRAMES_TO_GRANT, f"{species}, seed {seed}: {longest} frames qualified"
