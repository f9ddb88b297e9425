"""Bands, flicker and hard shadows, put on the demo's clip as lamps and a rolling shutter do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.core.domain import Frame, Reason, Trigger
from gate.core.rules import Rules, interpret, why_not
from gate.replay import demo_clip
from gate.vision import motion
from gate.vision.classifier import TFLiteClassifier
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.uneven_light import UnevenLight
from tests.fakes import seen

Field = NDArray[np.float64]
Light = Callable[[Field, int], Field]
"""Changes the pixels of a picture, given its number."""
FPS = demo_clip.FPS


@pytest.fixture(scope="module")
def clip() -> list[NDArray[np.uint8]]:
    return list(demo_clip.render())


def rows(image: Field) -> Field:
    """The height of each row in the picture, 0–1."""
    return np.linspace(0, 1, image.shape[0], endpoint=False).reshape(-1, *[1] * (image.ndim - 1))


def columns(image: Field) -> Field:
    return np.linspace(0, 1, image.shape[1], endpoint=False).reshape(1, -1, *[1] * (image.ndim - 2))


def bands(depth: float, number: float, wander: float) -> Light:
    """So many dark bands, which move by a part of a band from picture to picture."""

    def light(image: Field, at: int) -> Field:
        wave = np.sin(2 * np.pi * (number * rows(image) + wander * at))
        return image * (1 - depth * (0.5 + 0.5 * wave))

    return light


def pulse(depth: float, hertz: float) -> Light:
    """The whole picture gets darker and brighter again."""
    return lambda image, at: (
        image * (1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * hertz * at / FPS)))
    )


def shadow(factor: float, side: Callable[[Field], Field], edge: float, *, beyond: bool) -> Light:
    """One side of a straight edge is darker."""

    def light(image: Field, _: int) -> Field:
        dark = (side(image) > edge) if beyond else (side(image) <= edge)
        return image * np.where(dark, factor, 1.0)

    return light


def uneven(seed: int) -> Light:
    """A light that spoils pictures: bands, a flicker or a hard shadow, each in some strength."""
    chance = np.random.default_rng(seed)
    match seed % 3:
        case 0:
            depth, wander = chance.uniform(0.3, 0.8), chance.uniform(0.05, 0.45)
            return bands(depth, chance.uniform(2, 6), wander)
        case 1:
            return pulse(chance.uniform(0.3, 0.8), chance.uniform(2, 7))
        case _:
            # Through the face, or beside it: what it hides, it hides anyway.
            side = rows if chance.integers(2) else columns
            edge = chance.uniform(0.36, 0.46) if side is rows else chance.uniform(0.47, 0.53)
            beyond = bool(chance.integers(2))
            return shadow(chance.uniform(0.1, 0.35), side, edge, beyond=beyond)


def normal(seed: int) -> Light:
    """A light of every day: dim, bright, from a side, with an exposure that settles or follows."""
    chance = np.random.default_rng(seed)
    factor, noise = chance.uniform(0.2, 1.6), chance.uniform(0, 5)
    across, down = chance.uniform(-0.6, 0.6, 2)
    settles_s, follows, period_s = chance.uniform(0.5, 3), chance.uniform(0, 0.25), 5
    shakes = chance.integers(0, 2)

    def light(image: Field, at: int) -> Field:
        image = image * factor
        image = image * (1 + across * (columns(image) - 0.5)) * (1 + down * (rows(image) - 0.5))
        image = image * (1 - 0.5 * np.exp(-at / FPS / settles_s))
        image = image * (1 + follows * np.sin(2 * np.pi * at / FPS / period_s))
        if shakes:
            image = np.roll(image, tuple(chance.integers(-1, 2, 2)), (0, 1))
        return image + chance.normal(0, noise, image.shape)

    return light


def told(clip: list[NDArray[np.uint8]], light: Light) -> list[bool]:
    """What is said of each picture; light is put on what is sampled of it, as that is quicker."""
    watch, answers = UnevenLight(), []
    for at, image in enumerate(clip):
        lit = np.clip(light(motion.sample(image).astype(float), at), 0, 255).astype(np.uint8)
        answers.append(watch.look(motion.thumbnail(lit), at / FPS))
    return answers


def guest_is_near() -> slice:
    """The frames in which the guest of the clip stands at the gate."""
    ends = np.cumsum([round(scene.seconds * FPS) for scene in demo_clip.SCENES])
    names = [scene.name for scene in demo_clip.SCENES]
    return slice(ends[names.index("guest walks up")], ends[names.index("guest smiles")])


@pytest.mark.slow
def test_bands_flicker_and_shadows_are_told(clip: list[NDArray[np.uint8]]) -> None:
    """Each of 60 such lights is told, in nearly every picture in which the guest is there."""
    shares = [np.mean(told(clip, uneven(seed))[guest_is_near()]) for seed in range(60)]
    assert min(shares) > 0.8, shares


@pytest.mark.slow
def test_the_light_of_every_day_is_not_told(clip: list[NDArray[np.uint8]]) -> None:
    """Of 60 dim, bright, slanting or changing lights not one is told in more than a picture."""
    counts = [sum(told(clip, normal(seed))) for seed in range(60)]
    assert max(counts) <= 1, counts
    assert not any(told(clip, lambda image, _: image))


@pytest.mark.slow
def test_an_empty_scene_may_have_any_shadow(clip: list[NDArray[np.uint8]]) -> None:
    """A wall is as it is; only where somebody stirs does its shadow hide a face."""
    rest = np.random.default_rng(1)
    half = shadow(0.2, columns, 0.5, beyond=True)
    assert not any(
        told([clip[0]] * 60, lambda image, at: half(image, at) + rest.normal(0, 3, image.shape))
    )


@pytest.mark.slow
def test_a_pause_is_no_flicker(clip: list[NDArray[np.uint8]]) -> None:
    """Pictures far apart, or of another camera, are not compared."""
    watch = UnevenLight()
    thumb = motion.thumbnail(motion.sample(clip[0]))
    for at in range(30):
        assert not watch.look(thumb if at % 2 else thumb / 2, 2.0 * at)
    watch.reset()
    assert not watch.look(thumb, 100.0)


def through(clip: list[NDArray[np.uint8]], light: Light) -> Iterator[tuple[int, Reason | None]]:
    """What the real pipeline lacks in each frame, an obstacle where it sees nobody."""
    with TFLiteClassifier() as smile:
        pipeline = Pipeline(PipelineSettings(), smile, smile)
        for at, image in enumerate(clip):
            lit = np.clip(light(image.astype(float), at), 0, 255).astype(np.uint8)
            observation = pipeline.observe(Frame(lit, at, at / FPS))
            if observation.guest is None:
                yield at, observation.obstacle
            else:
                yield at, why_not(Rules(0.5, eyes=0), observation)


@pytest.mark.slow
@pytest.mark.parametrize(
    "light",
    [bands(0.3, 6, 0.29), bands(0.5, 2, 0.0125), shadow(0.3, columns, 0.5, beyond=True)],
    ids=["bands", "slow bands", "shadow"],
)
def test_a_face_that_the_light_hides_is_put_down_to_the_light(
    clip: list[NDArray[np.uint8]], light: Light
) -> None:
    """Where the clip's guest is granted, the guest in such light is told why they are not."""
    near = range(*guest_is_near().indices(len(clip)))
    failed = [reason for at, reason in through(clip, light) if at in near and reason is not None]
    assert len(failed) > len(near) / 2
    assert failed.count(Reason.UNEVEN_LIGHT) > 0.8 * len(failed)


@pytest.mark.slow
def test_a_frame_that_qualifies_does_so_in_any_light() -> None:
    """The light is a reason for what fails; it keeps nobody out who is seen to smile."""
    rules = Rules(0.5, eyes=2)
    assert why_not(rules, replace(seen(0.9), uneven=True)) is None
    assert why_not(rules, replace(seen(0.1), uneven=True)) is Reason.UNEVEN_LIGHT
    assert why_not(rules, replace(seen(0.9, 0), uneven=True)) is Reason.UNEVEN_LIGHT
    assert why_not(rules, replace(seen(0.1), uneven=False)) is Reason.NO_SMILE
    dark = replace(seen(0.9), uneven=True, obstacle=Reason.TOO_DARK)
    assert why_not(rules, dark) is Reason.TOO_DARK
    nobody = interpret(rules, replace(seen(), faces=(), uneven=True))
    assert (nobody.trigger, nobody.reason) == (Trigger.NO_FACE, Reason.UNEVEN_LIGHT)
