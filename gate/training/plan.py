"""The plan of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.training.augment import Strength
from gate.vision.model_input import Framing, Normalisation

FRAMING = Framing(scale=0.785, shift_x=0.0, shift_y=0.08)
"""Framing of SMILEs (see `crop_geometry.TIGHT`): brows to chin, no background."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides a training run; two runs of one plan give one result."""

    arch: str = "gate-net"
    epochs: int = 60
    batch: int | None = None
    """Faces a step; none for what suits the set (`faces_a_step`)."""
    seed: int = 1
    learning_rate: float = 3e-3
    schedule: str = "plateau"
    """``plateau``, or ``cosine``: down to nothing over all epochs, with no early stopping."""
    plateau: int = 5
    """Epochs without a better validation loss after which the learning rate is cut to 0.4."""
    patience: int = 14
    """Epochs without a better validation loss after which training stops."""
    smoothing: float = 0.05
    """Label smoothing: labels of faint smiles are not to be trusted fully."""
    mixing: float = 0.0
    """Share of pictures that are blended with another, labels too (mixup; Zhang et al., 2018)."""
    trust: float = 0.5
    """Weight of the teachers' opinion against the label, where there are teachers."""
    outside: float = 0.4
    """Weight, in log-odds, of outside opinions beside those of the teachers."""
    normalisation: Normalisation = Normalisation.STANDARD
    framing: Framing = FRAMING
    strength: Strength = field(default_factory=Strength)
    threads: int = 1

    def faces_a_step(self, faces: int) -> int:
        """Return how many of the training ``faces`` are seen before the weights change.

        A small set has small batches: an epoch is 64 steps or more until they are down to 16 faces.
        gate-net trained on 400 faces of GENKI for 60 epochs, validated on 224, has an AUC on those
        kept out of 0.64 with 128 faces a step, of 0.94 with 32 and of 0.95 with these 16.
        """
        return min(self.batch or min(128, max(16, faces // 64)), max(1, faces))
