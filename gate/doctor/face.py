"""Test of a face as the gate sees it; somebody has to stand in front of the camera."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from gate.config import Config
from gate.core.domain import Box, Frame, Reason
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, failed, ok, skipped, warn
from gate.errors import ModelError
from gate.hardware.from_config import open_camera_thread
from gate.service.inbox import Inbox
from gate.vision import light
from gate.vision.from_config import open_model, open_mounting, open_pipeline
from gate.vision.view import View

FACE_S = 15.0
"""Time to step in front of the camera, s."""
FACES_WANTED = 15
"""Pictures with a face that are enough, once one of them shows a smile."""


def face(patient: Patient) -> Iterator[Finding]:
    """Size, eyes and smile of a face at the guest's place."""
    if "face" not in patient.asked:
        yield skipped("not asked for", "stand in front of the camera: smile-gate doctor --face")
        return
    if patient.running:
        yield skipped(
            "the running gate owns the camera", "to test it: sudo systemctl stop smile-gate"
        )
        return
    try:
        met = meet(patient.config)
    except ModelError as error:
        yield failed(error)
    else:
        yield judged(met, patient.config)


@dataclass(slots=True)
class Met:
    """What was seen of somebody who stood at the gate."""

    threshold: float
    """Score from which on a smile counts."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the upright picture, px."""
    boxes: list[Box] = field(default_factory=list)
    """Their face in each picture that shows it."""
    smiles: list[float] = field(default_factory=list)
    eyes: list[int] = field(default_factory=list)
    grays: list[float] = field(default_factory=list)
    """Mean gray level of the face, 0–255."""
    obstacles: Counter[Reason] = field(default_factory=Counter)

    @property
    def height(self) -> int:
        """Height of their face, px: the median."""
        return sorted(box.height for box in self.boxes)[len(self.boxes) // 2]

    @property
    def share(self) -> float:
        """Height of their face as a fraction of the picture's."""
        return self.height / self.size[1]


def meet(config: Config) -> Met:
    """Wait for somebody, up to `FACE_S`. Raises `ModelError`."""
    with closing(open_model(config)) as model:
        pipeline, mounting = open_pipeline(config, model), open_mounting(config)
        met = Met(config.rules(model.card.threshold).threshold)
        for frame in _pictures(config, FACE_S):
            seen = pipeline.observe(frame)
            if seen.obstacle:
                met.obstacles[seen.obstacle] += 1
            guest = seen.guest
            if guest is None or guest.smile is None:
                continue
            upright = mounting.upright(frame.image)
            met.size = (upright.shape[1], upright.shape[0])
            met.boxes.append(guest.box)
            met.smiles.append(guest.smile)
            met.eyes.append(guest.eyes_open or 0)
            met.grays.append(light.measure(View(upright), guest.box).mean)
            if len(met.boxes) >= FACES_WANTED and max(met.smiles) >= met.threshold:
                break
    return met


def judged(met: Met, config: Config) -> Finding:
    """What these settings make of what was seen."""
    why = f" ({met.obstacles.most_common(1)[0][0].replace('_', ' ')})" if met.obstacles else ""
    if not met.boxes:
        return fail(
            f"no face within {FACE_S:g} s{why}",
            "stand where a guest stands and look into the camera; aim it, light the face,"
            " check camera.rotate",
        )
    limit, smile, eyes = config.face.min_height, max(met.smiles), max(met.eyes)
    gray = sorted(met.grays)[len(met.grays) // 2]
    said = (
        f"{met.height} px high, {met.share:.2f} of the picture (smallest that counts: {limit:g});"
        f" mean gray level {gray:.0f} of 255; eyes open {eyes}, best smile {smile:.2f},"
        f" threshold {met.threshold:.2f}{why}"
    )
    if met.share < limit:
        return fail(said, "come nearer, or lower face.min_height")
    if met.share < 1.25 * limit:
        return warn(
            said, "only just large enough: move the camera nearer, or lower face.min_height"
        )
    if config.eyes.required and eyes < 2:
        return warn(said, "the eyes were not found open: light from the front, no glare on glasses")
    if smile < met.threshold:
        return warn(said, "smile during the test; if so: light from the front, face the camera")
    return ok(said)


def _pictures(config: Config, seconds: float) -> Iterator[Frame]:
    """The pictures of the next seconds, or until the source fails."""
    inbox = Inbox()
    with closing(open_camera_thread(config, inbox)) as camera:
        camera.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (camera.over or camera.problem):
            _, frame = inbox.poll(0.1)
            if frame is not None:
                yield frame
