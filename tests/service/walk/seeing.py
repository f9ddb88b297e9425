"""Probes of camera, pictures and guests; each asks the gate's world, no configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gate.core.domain import Observation, Reason, State
from gate.system import resources
from tests.fakes import seen
from tests.seeing import astronaut, placed
from tests.service.walk.gate import Gate
from tests.service.walk.world import World

# The camera: what was asked of it, and when it was asked again.


def request(name: str) -> Callable[[Gate], object]:
    return lambda gate: getattr(gate.world.opened[-1][1], name)


def source(gate: Gate) -> object:
    return Path(str(gate.world.opened[-1][0])).name


def until_stale(gate: Gate) -> object:
    return gate.seconds_until(lambda: gate.state is State.FAULT, 1)


def until_opened_again(gate: Gate) -> object:
    before = len(gate.world.opened)

    def opened() -> bool:
        gate.world.settle()
        return len(gate.world.opened) > before

    return gate.seconds_until(opened, 5)


def pauses(gate: Gate) -> list[float]:
    """Between the tries to open a camera that is not there."""
    gate.world.failures = 9
    gate.world.pauses.clear()
    gate.parts.vision.frames.camera.reopen()
    gate.world.settle()
    return gate.world.pauses


# Pictures: what the gate saw in them.

NEAR = astronaut()
FAR = placed(NEAR, 480, 640, 0.6, 100, 100)
NOBODY = np.full_like(FAR, 120)
TWO = placed(NEAR, 480, 960, 0.8, 0, 0)
TWO[:, 480:] = placed(NEAR, 480, 480, 0.62, 0, 0)
ON_ITS_SIDE = np.rot90(NEAR)
DIM = (NEAR * 0.3).astype(np.uint8)


def last(picture: Any, show: Callable[[Observation], object], times: int = 6) -> Any:
    return lambda gate: show(gate.look([picture] * times)[-1])


def how_many(observation: Observation) -> int:
    return len(observation.faces)


def obstacle(observation: Observation) -> Reason | None:
    return observation.obstacle


def is_left(observation: Observation) -> bool:
    return observation.faces[0].box.x < 320


def found_at_once(gate: Gate) -> bool:
    gate.look([NOBODY] * 20)
    return any(one.faces for one in gate.look([FAR] * 3))


def other_model(world: World) -> None:
    """The shipped model under another name."""
    for suffix in (".tflite", ".json"):
        shipped = resources.path(f"models/smile{suffix}")
        (world.folder / f"other{suffix}").write_bytes(shipped.read_bytes())


def models_asked(name: str) -> Callable[[Gate], object]:
    def asked(gate: Gate) -> bool:
        gate.world.asked.clear()
        gate.look([NEAR] * 2)
        return name in gate.world.asked

    return asked


# Guests: how far they come.


def after_three(*frames: Observation) -> Callable[[Gate], object]:
    return lambda gate: [gate.guest(frame) for frame in frames * 3][-1]


def frames_to_a_grant(gate: Gate) -> object:
    count = 1
    while gate.guest(seen()) is not State.GRANTED:
        count += 1
    return count


def after_a_miss(gate: Gate) -> object:
    for frame in (seen(), seen(), seen()):
        gate.guest(frame)
    return gate.guest(seen(0.1))


def until_left(gate: Gate) -> object:
    gate.guest(seen())
    return gate.seconds_until(lambda: gate.state is State.IDLE)
