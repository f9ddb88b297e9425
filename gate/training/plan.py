"""What decides a training run; standard library only, for a command's help is made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from gate.vision.model_input import Framing, Normalisation

FRAMING = Framing(scale=0.785, shift_x=0.0, shift_y=0.08)
"""Framing of SMILEs (see `crop_geometry.TIGHT`): brows to chin, no background."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each variation goes; the default is what a gate's camera was taken to need."""

    rotation: float = 11.0
    """Degrees, standard deviation, of the head's roll."""
    scale: float = 0.09
    """Standard deviation of the logarithm of the Haar box's size."""
    shift: float = 0.045
    """Standard deviation of the Haar box's place, in box sides."""
    stretch: float = 0.06
    """Standard deviation of the logarithm of the width, as a turned head's is narrower."""
    tone: float = 1.0
    """Factor on gamma, contrast, light from the side and clipping."""
    glare: float = 0.2
    """How often a picture in colour is overexposed, each colour cut off by itself."""
    smallest: float = 20.0
    """Pixels: the smallest Haar box that distance leaves."""
    sensor: float = 1.0
    """Factor on how often blur, noise and compression happen."""
    occlusion: float = 0.25
    """How often something is before the face."""
    talk: float = 0.2
    """How often the mouth of a face that does not smile is opened; half as often, a smile is made
    to talk and counts as none."""
    calm: float = 0.3
    """How often only place, roll and mirror vary: most frames at a gate are good ones."""


class Schedule(StrEnum):
    """How the learning rate falls."""

    PLATEAU = "plateau"
    """It is cut when the validation loss stalls, and training stops early."""
    COSINE = "cosine"
    """It falls to nothing over all epochs, with no early stopping."""


@dataclass(frozen=True, slots=True)
class Option:
    """What the command line says of a field of the plan; name, type and default are the field's."""

    help: str
    least: float | None = None
    most: float | None = None
    above: bool = False
    """Whether ``least`` itself is too little."""
    unset: str | None = None
    """What is taken where the field is None."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides a training run; two runs of one plan give one result."""

    arch: Annotated[str, Option("Architecture, by name.")] = "gate-net"
    epochs: Annotated[int, Option("How often every face is seen, at most.", 1)] = 60
    drawn: Annotated[
        int,
        Option("Faces an epoch, drawn by their weight; 0 for all of them, each weighed.", 0),
    ] = 0
    """An epoch of a large pack shall not take longer than of a small one."""
    batch: Annotated[int | None, Option("Faces a step.", 2, unset="128, fewer for a small set")] = (
        None
    )
    """None for what suits the set (`faces_a_step`)."""
    seed: Annotated[int, Option("Where chance begins: one seed, one result.", 0)] = 1
    learning_rate: Annotated[
        float,
        Option("Highest learning rate; a third of it or less for fine-tuning.", 0.0, above=True),
    ] = 3e-3
    schedule: Annotated[
        Schedule,
        Option("plateau: cut the learning rate when it stalls, stop early; cosine: all epochs."),
    ] = Schedule.PLATEAU
    plateau: int = 5
    """Epochs without a better validation loss after which the learning rate is cut to 0.4."""
    patience: int = 14
    """Epochs without a better validation loss after which training stops."""
    smoothing: Annotated[
        float,
        Option("How far labels are drawn towards the middle: none of them is certain.", 0.0, 0.5),
    ] = 0.05
    """Label smoothing: labels of faint smiles are not to be trusted fully."""
    mixing: Annotated[
        float, Option("Share of pictures blended with another one (mixup).", 0.0, 1.0)
    ] = 0.0
    """The labels are blended too (mixup; Zhang et al., 2018)."""
    trust: Annotated[
        float, Option("Weight of the teachers' opinion against the label.", 0.0, 1.0)
    ] = 0.5
    outside: float = 0.4
    """Weight, in log-odds, of outside opinions beside those of the teachers."""
    normalisation: Annotated[Normalisation, Option("How the light of a face is evened out.")] = (
        Normalisation.STANDARD
    )
    framing: Framing = FRAMING
    strength: Strength = field(default_factory=Strength)
    threads: Annotated[int, Option("Cores to compute on.", 1)] = 1

    def faces_a_step(self, faces: int) -> int:
        """Return how many of the training ``faces`` are seen before the weights change.

        A small set has small batches: an epoch is 64 steps or more until they are down to 16 faces.
        gate-net trained on 400 faces of GENKI for 60 epochs, validated on 224, has an AUC on those
        kept out of 0.64 with 128 faces a step, of 0.94 with 32 and of 0.95 with these 16.
        """
        return min(self.batch or min(128, max(16, faces // 64)), max(1, faces))
