"""The rules of a grant: what a frame must show, and for how long.

The technician's settings arrive here as one frozen value; what a frame means is said here, and
`gate.core.machine` counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.core.domain import Face, Observation, Reason, Signal, Trigger


class RearmRule(StrEnum):
    """Conditions for the end of the pause between a grant and the next guest."""

    FACE_GONE = "face_gone"
    PASSAGE = "passage"
    COOL_DOWN = "cool_down"


class EyeMethod(StrEnum):
    """Ways to judge the eyes: OpenCV's cascade, the eye model, or the model with the cascade."""

    HAAR = "haar"
    MODEL = "model"
    BOTH = "both"


class LivenessMode(StrEnum):
    """Signs of life that a guest can be asked for."""

    OFF = "off"
    NEUTRAL_FIRST = "neutral_first"
    BLINK = "blink"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decide a grant; times in seconds."""

    threshold: float
    frames: int = 8
    """The dwell: qualifying frames that are asked for."""
    missed_frames: int = 3
    """Frames of a smile that may fail to qualify."""
    eyes: int = 2
    """Open eyes that are asked for, 0–2."""
    lost_s: float = 1.0
    hold_s: float = 5.0
    rearm: RearmRule = RearmRule.FACE_GONE
    rearm_s: float = 1.0
    passage_sensor: bool = False
    door_held_s: float = 15.0
    """Time for which a door may stay open."""
    grant_within_s: float = 0.5
    """Time in which the record of a grant must be committed, or the grant lapses."""


CHECKS = (
    Reason.NO_SMILE,
    Reason.EYES_CLOSED,
    Reason.PHOTO_SUSPECTED,
)
"""Checks of a clear view of one face, in this order; a later one is a guest who came further.
The reasons of an unclear view (`Observation.obstacle`) come before all of them."""


def interpret(rules: Rules, observation: Observation) -> Signal:
    """The signal of one observation: nobody, a face, or a face that qualifies."""
    guest = observation.guest
    if guest is None:
        reason = Reason.UNEVEN_LIGHT if observation.uneven else None
        return Signal(Trigger.NO_FACE, reason, frame=observation.sequence)
    reason = why_not(rules, observation)
    return Signal(
        Trigger.QUALIFYING if reason is None else Trigger.FACE,
        reason=reason,
        score=guest.smile,
        frame=observation.sequence,
        guest=observation.guest_id,
    )


def why_not(rules: Rules, observation: Observation) -> Reason | None:
    """The reason why this frame does not qualify, or None if it does."""
    guest = observation.guest
    if guest is None:
        return Reason.NO_FACE
    if observation.obstacle is not None:
        return observation.obstacle
    if len(observation.faces) > 1:
        return Reason.MORE_THAN_ONE_FACE
    reason = _lacking(rules, observation, guest)
    return Reason.UNEVEN_LIGHT if reason is not None and observation.uneven else reason


def _lacking(rules: Rules, observation: Observation, guest: Face) -> Reason | None:
    """What a clear view of one face lacks."""
    if guest.smile is None or not guest.smile >= rules.threshold:
        return Reason.NO_SMILE
    if rules.eyes and (guest.eyes_open is None or guest.eyes_open < rules.eyes):
        return Reason.EYES_CLOSED
    if not observation.alive:
        return Reason.PHOTO_SUSPECTED
    return None


def why(tally: tuple[tuple[Reason, int], ...]) -> Reason:
    """The reason of a visit without a grant: the furthest check that stopped a quarter of it."""
    total = sum(count for _, count in tally)
    often = [reason for reason, count in tally if 4 * count >= total]
    order = {reason: rank for rank, reason in enumerate(CHECKS)}
    return max(often, key=lambda reason: order.get(reason, -1), default=Reason.NOT_HELD)
