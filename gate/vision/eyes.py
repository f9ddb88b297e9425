"""Which eyes are open: a small model on each eye, and the Haar cascade that also knows glasses.

The cascade was trained on open eyes, so a hit says "open"; a miss says little: a smile narrows the
eyes, and small faces blur them. It is also the dearest part of the whole pipeline, so with both
methods it is asked only where the model can't tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from gate.core.rules import EyeMethod
from gate.vision import cascades
from gate.vision.framing import cut
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gate.core.domain import Box, Image
    from gate.vision.view import View

FACE_SIDE = 160
"""What the face is scaled to before its eyes are looked for by the cascade, px."""
TOP, BOTTOM = 0.15, 0.60
"""The band of the face box that holds the eyes, as fractions of its height."""
SMALLEST, LARGEST = 20, 56
"""Sides of an eye's box in a face of `FACE_SIDE`, px."""
MARGIN = 0.2
"""What may lie outside the face box of an eye's crop, in face widths."""
NUDGES = ((0.0, 0.0), (0.03, 0.0), (-0.03, 0.0), (0.0, 0.03), (0.0, -0.03))
"""Shifts, in face widths, over which a still photo's eyes are averaged: there is one look only."""


SECOND_OPINION_S = 0.3
"""How often the cascade is asked at most in live frames, s: it costs more than all the rest."""


class ScorerCard(Protocol):
    """How a model wants its crops, and how it is read."""

    @property
    def framing(self) -> Framing:
        """How a crop is cut from the face's box."""

    @property
    def threshold(self) -> float:
        """Score at and above which it says yes."""


class EyeScorer(Protocol):
    """A model that scores crops of faces or of eyes; its card says how they are cut.

    Of eyes, the viewer's left one is upright and the other one mirrored; 1 is open.
    """

    @property
    def card(self) -> ScorerCard:
        """What the model's file says of itself."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of a crop, px."""

    def score(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Probability of a smile, or of an open eye, in each gray crop, (n,)."""


@dataclass(frozen=True, slots=True)
class EyeRules:
    """How eyes are judged."""

    method: EyeMethod = EyeMethod.BOTH
    unsure: tuple[float, float] = (0.35, 0.65)
    """Scores between which the model is asked for a second opinion: the cascade's."""


class EyeJudge:
    """Tells how open each of a face's eyes is."""

    def __init__(self, rules: EyeRules, model: EyeScorer | None = None) -> None:
        self._rules = rules
        self._model = model if rules.method is not EyeMethod.HAAR else None
        needs_haar = rules.method is not EyeMethod.MODEL or self._model is None
        self._cascade = cascades.load(cascades.EYES) if needs_haar else None
        self._asked = float("-inf")
        self.threshold = self._model.card.threshold if self._model else 0.5
        """Score at and above which an eye counts as open."""

    def score(self, view: View, face: Box, now: float | None = None) -> tuple[float, float]:
        """Score 0–1 of the eye at the viewer's left and at the right; 1 is open.

        ``now`` is the time of a live frame, s: many follow, so the cascade isn't asked each time.
        Without it, it's a photo that is looked at once: the mean over several framings.
        """
        if min(view.gray(face).shape, default=0) < 8:
            return (0.0, 0.0)
        if self._model is None:
            return self._haar(view, face)
        left, right = self._scores(view, face, thorough=now is None)
        low, high = self._rules.unsure
        unsure = low < left < high or low < right < high
        asked_lately = now is not None and 0 <= now - self._asked < SECOND_OPINION_S
        if self._cascade is not None and unsure and not asked_lately:
            self._asked = float("-inf") if now is None else now
            seen_left, seen_right = self._haar(view, face)
            left = max(left, seen_left) if low < left < high else left
            right = max(right, seen_right) if low < right < high else right
        return (left, right)

    def _scores(self, view: View, face: Box, thorough: bool) -> tuple[float, float]:
        """The model's word on both eyes."""
        if self._model is None:
            return (0.0, 0.0)
        framing = self._model.card.framing
        patch, box = view.patch(face, MARGIN)
        crops = []
        for right, down in NUDGES if thorough else NUDGES[:1]:
            for side in (-1, 1):
                shifted = Framing(
                    framing.scale,
                    side * abs(framing.shift_x) + right,
                    framing.shift_y + down,
                )
                crop = cut(patch, box, shifted, self._model.size)
                crops.append(crop if side < 0 else np.ascontiguousarray(crop[:, ::-1]))
        scores = self._model.score(crops).reshape(-1, 2).mean(axis=0)
        return float(scores[0]), float(scores[1])

    def _haar(self, view: View, face: Box) -> tuple[float, float]:
        """1.0 for each side on which the cascade finds an open eye, 0.0 where it doesn't."""
        if self._cascade is None:
            return (0.0, 0.0)
        patch = cv2.resize(view.gray(face), (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
        band = patch[round(TOP * FACE_SIDE) : round(BOTTOM * FACE_SIDE)]
        boxes = self._cascade.detectMultiScale(
            cv2.equalizeHist(band),
            scaleFactor=1.1,
            minNeighbors=3,
            minSize=(SMALLEST, SMALLEST),
            maxSize=(LARGEST, LARGEST),
        )
        centres = [x + width / 2 for x, _, width, _ in boxes]
        return (
            float(any(x < FACE_SIDE / 2 for x in centres)),
            float(any(x >= FACE_SIDE / 2 for x in centres)),
        )
