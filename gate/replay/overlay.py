"""Observations drawn into pictures: for replays and photos, never for the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from gate.core.domain import Box, Face, Image, Observation

GREEN, RED, WHITE, BLACK = (80, 200, 80), (60, 60, 220), (255, 255, 255), (0, 0, 0)
"""BGR."""
EYE_PLACES = ((0.305, 0.38), (0.695, 0.38))
"""Places of a face's eyes, as fractions of its box."""


def draw(
    image: Image,
    observation: Observation,
    *,
    qualifies: bool | None = None,
    threshold: float = 0.5,
    caption: str = "",
) -> Image:
    """Return a BGR copy with every face's box, score, eyes and verdict, and ``caption`` on top.

    ``image`` is the upright picture that the observation's boxes belong to, gray or colour.
    "Smile" or "Not smile" follows ``threshold``; the guest's box is green when it ``qualifies``
    (by default: when it smiles).
    """
    copy = _colour(image)
    scale = max(copy.shape[0], copy.shape[1]) / 640
    for index, face in enumerate(observation.faces):
        smiles = face.smile is not None and face.smile >= threshold
        good = smiles if qualifies is None or index else qualifies
        _box(copy, face, "Smile" if smiles else "Not smile", GREEN if good else RED, scale)
    lines = [caption] if caption else []
    if observation.obstacle is not None:
        lines.append(observation.obstacle.value.replace("_", " "))
    for row, line in enumerate(lines):
        _text(copy, line, (round(8 * scale), round((22 + 24 * row) * scale)), WHITE, scale)
    return copy


def _colour(image: Image) -> Image:
    """A BGR copy of a gray, BGR or BGRA picture."""
    if image.ndim == 2 or image.shape[2] == 1:
        gray = np.ascontiguousarray(image.reshape(image.shape[:2]))
        return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(image[:, :, :3]).copy()


def _box(
    image: Image, face: Face, verdict: str, colour: tuple[int, int, int], scale: float
) -> None:
    """Draw one face."""
    box = face.box
    thick = max(1, round(2 * scale))
    cv2.rectangle(image, (box.x, box.y), (box.x + box.width, box.y + box.height), colour, thick)
    if face.smile is None:
        return
    _eyes(image, box, face.eyes_open or 0, thick)
    text = f"{verdict} {face.smile:.2f}"
    below = box.y + box.height + round(20 * scale)
    _text(image, text, (box.x, min(below, image.shape[0] - thick)), colour, scale)
    eyes = f"eyes {face.eyes_open}" if face.eyes_open is not None else ""
    _text(image, eyes, (box.x, max(round(16 * scale), box.y - round(6 * scale))), colour, scale)


def _eyes(image: Image, box: Box, count: int, thick: int) -> None:
    """A ring round each eye's place: green for two open ones, red for none."""
    for index, (right, down) in enumerate(EYE_PLACES):
        centre = (round(box.x + right * box.width), round(box.y + down * box.height))
        colour = GREEN if count > index else RED
        cv2.circle(image, centre, max(2, round(0.1 * box.width)), colour, max(1, thick // 2))


def _text(
    image: Image, text: str, place: tuple[int, int], colour: tuple[int, int, int], scale: float
) -> None:
    """Write with a dark edge, readable on every background."""
    size = 0.55 * scale
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, text, place, font, size, BLACK, max(2, round(4 * scale)), cv2.LINE_AA)
    cv2.putText(image, text, place, font, size, colour, max(1, round(1.6 * scale)), cv2.LINE_AA)
