"""Test of a face as the gate sees it; somebody has to stand in front of the camera."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from gate.config import Config
from gate.core.domain import Frame, Reason
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, failed, ok, skipped, warn
from gate.errors import ModelError
from gate.hardware.from_config import open_camera_thread
from gate.service.inbox import Inbox
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline

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
        with closing(open_model(patient.config)) as model:
            yield _met(patient.config, model)
    except ModelError as error:
        yield failed(error)


def _met(config: Config, model: TFLiteClassifier) -> Finding:
    """Wait for a face, and judge what was seen of it."""
    pipeline = open_pipeline(config, model)
    heights, smiles, eyes = [], [], []
    obstacles: Counter[Reason] = Counter()
    threshold = config.rules(model.card.threshold).threshold
    for frame in _pictures(config, FACE_S):
        seen = pipeline.observe(frame)
        if seen.obstacle:
            obstacles[seen.obstacle] += 1
        guest = seen.guest
        if guest is None or guest.smile is None:
            continue
        upright = frame.image.shape[1 if config.camera.rotate in (90, 270) else 0]
        heights.append((guest.box.height, guest.box.height / upright))
        smiles.append(guest.smile)
        eyes.append(guest.eyes_open or 0)
        if len(heights) >= FACES_WANTED and max(smiles) >= threshold:
            break
    why = f" ({obstacles.most_common(1)[0][0].replace('_', ' ')})" if obstacles else ""
    if not heights:
        return fail(
            f"no face within {FACE_S:g} s{why}",
            "stand where a guest stands and look into the camera; aim it, light the face,"
            " check camera.rotate",
        )
    pixels, share = sorted(heights)[len(heights) // 2]
    limit = config.face.min_height
    said = (
        f"{pixels} px high, {share:.2f} of the picture (smallest that counts: {limit:g});"
        f" eyes open {max(eyes)}, best smile {max(smiles):.2f},"
        f" threshold {threshold:.2f}{why}"
    )
    if share < limit:
        return fail(said, "come nearer, or lower face.min_height")
    if share < 1.25 * limit:
        return warn(
            said, "only just large enough: move the camera nearer, or lower face.min_height"
        )
    if config.eyes.required and max(eyes) < 2:
        return warn(said, "the eyes were not found open: light from the front, no glare on glasses")
    if max(smiles) < threshold:
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
