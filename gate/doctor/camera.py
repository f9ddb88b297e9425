"""Test of the camera: whether it gives enough pictures, and good enough to judge a face."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from gate.config import Config
from gate.core.domain import Frame, Reason
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, ok, skipped, warn
from gate.hardware.from_config import open_camera_thread
from gate.service.inbox import Inbox
from gate.vision import light, motion
from gate.vision.light import LightLimits
from gate.vision.view import gray

PICTURES = 30
"""Pictures that are judged, after as many in which the exposure settles."""
OPENS_WITHIN_S = 10.0
"""Time for the first picture, s: a Pi camera takes 2 s, a network stream may take longer."""
SLOW = 0.85
"""Share of the wanted rate below which the camera is slow."""
BLURRED = 0.08
"""Steepest step from pixel to pixel, of the picture's range of gray, below which it is blurred.

Measured on scikit-image's astronaut, coffee, cat and camera at 640×480 with a camera's noise: sharp
0.19–0.36, blurred by a Gaussian of 5 px 0.056–0.070, by one of 3 px 0.075–0.101.
"""
FLAT = 40.0
"""Range of gray levels below which nothing in the picture could be sharp."""


@dataclass(slots=True)
class Shots:
    """Pictures of the configured source, taken by the daemon's own camera thread."""

    frames: list[Frame] = field(default_factory=list)
    problem: str | None = None
    over: bool = False
    """Whether a clip ended before there were enough."""


def camera(patient: Patient) -> Iterator[Finding]:
    """Pictures of the configured source: size, rate, light, sharpness, and whether they change."""
    if patient.running:
        yield from _camera_of_running(patient)
        return
    yield from judged(shoot(patient.config), patient.config)


def _camera_of_running(patient: Patient) -> Iterator[Finding]:
    """Findings from the status of the running gate, which owns the camera."""
    if patient.status is None:
        yield skipped(
            "the running gate owns the camera", "to test it: sudo systemctl stop smile-gate"
        )
        return
    seen = patient.status["camera"]
    if seen["problem"]:
        yield fail(str(seen["problem"]), "check its cable; then stop the gate and test again")
    elif seen["fps"] < SLOW * seen["fps_wanted"]:
        yield _slow(seen["fps"], seen["fps_wanted"])
    else:
        yield ok(f"the running gate judges {seen['fps']:.1f} pictures a second")


def judged(shots: Shots, config: Config) -> Iterator[Finding]:
    """Findings from the pictures."""
    if not shots.frames:
        problem = shots.problem or f"no picture within {OPENS_WITHIN_S:g} s"
        seen, _, advice = problem.partition("; ")
        yield fail(seen, advice or "check the camera's cable and power, and camera.source")
        return
    frames = shots.frames[len(shots.frames) // 2 :]
    height, width = frames[-1].image.shape[:2]
    rate = _rate(shots.frames)
    mean, troubles = 0.0, []
    thumb = motion.thumbnail(motion.sample(frames[-1].image))
    mean = float(thumb.mean())
    limits = LightLimits(darkest=config.light.darkest, brightest=config.light.brightest)
    obstacle = light.scene(thumb, limits)
    if _frozen(frames):
        troubles.append(
            fail(
                f"the same picture {len(frames)} times: the camera is frozen",
                "unplug it and plug it in again, or restart the Pi; then another cable or port",
            )
        )
    if obstacle is Reason.TOO_DARK:
        troubles.append(
            fail(f"dark: mean gray level {mean:.0f} of 255", "take its cap off, or light the guest")
        )
    elif obstacle is Reason.TOO_BRIGHT:
        troubles.append(
            fail(f"washed out: mean gray level {mean:.0f} of 255", "turn it away from the light")
        )
    elif sharpness(frames) < BLURRED:
        troubles.append(
            warn(
                "blurred: nothing in the picture has a sharp edge",
                "clean the lens, take its film off, turn its focus; a bare wall looks the same",
            )
        )
    if (width, height) != (config.camera.width, config.camera.height):
        troubles.append(
            warn(
                f"pictures are {width}×{height}, {config.camera.width}×{config.camera.height}"
                " was asked for",
                "set camera.width and camera.height to what it gives; larger ones cost more",
            )
        )
    if rate is not None and rate < SLOW * config.camera.fps:
        troubles.append(_slow(rate, config.camera.fps))
    if shots.problem and not shots.over:
        troubles.append(fail(f"it stopped: {shots.problem}", "check its cable and power"))
    yield from troubles
    if not troubles:
        fps = "" if rate is None else f", {rate:.1f} a second"
        yield ok(f"{width}×{height}{fps}, sharp enough, mean gray level {mean:.0f} of 255")


def _slow(rate: float, wanted: float) -> Finding:
    return warn(
        f"{rate:.1f} pictures a second, {wanted:g} were asked for",
        "more light (a dark scene needs long exposures), or a lower camera.fps; smile-gate bench",
    )


def sharpness(frames: Sequence[Frame]) -> float:
    """The steepest step between neighbouring pixels, as a share of the range of gray, 0–1.

    The mean picture is measured, so that noise is no edge; 1 where it is too even to tell.
    """
    total = sum(gray(frame.image).astype(np.float32) for frame in frames)
    mean = np.asarray(total, np.float32) / len(frames)
    steps = np.concatenate([np.abs(np.diff(mean, axis=axis)).ravel() for axis in (0, 1)])
    low, high = np.percentile(mean, [0.5, 99.5])
    if high - low < FLAT:
        return 1.0
    return float(np.percentile(steps, 99.9) / (high - low))


def _frozen(frames: Sequence[Frame]) -> bool:
    """Whether all are the same bit for bit; a sensor's noise makes every picture new."""
    first = motion.sample(frames[0].image)
    same = (np.array_equal(first, motion.sample(frame.image)) for frame in frames[1:])
    return len(frames) > 2 and all(same)


def _rate(frames: Sequence[Frame]) -> float | None:
    """Pictures a second by their numbers, so that pictures that were missed here count as well."""
    later = frames[len(frames) // 2 :]
    elapsed = later[-1].monotonic - later[0].monotonic
    return (later[-1].sequence - later[0].sequence) / elapsed if elapsed > 0 else None


def shoot(config: Config, count: int = 2 * PICTURES) -> Shots:
    """Take ``count`` pictures; fewer if the source ends or fails."""
    shots = Shots()
    inbox = Inbox()
    with closing(open_camera_thread(config, inbox)) as camera:
        camera.start()
        until = time.monotonic() + OPENS_WITHIN_S
        while len(shots.frames) < count and time.monotonic() < until:
            _, frame = inbox.poll(0.1)
            if frame is not None:
                shots.frames.append(frame)
            elif camera.over or camera.problem:
                break
        shots.over, shots.problem = camera.over, camera.problem
    return shots
