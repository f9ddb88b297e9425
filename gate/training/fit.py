"""The training loop: seeded, watched, resumable."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import GateError
from gate.framing import Framing, Normalisation, cut, normalise
from gate.training import architectures, export, faces, metrics
from gate.training.augment import Strength, vary
from gate.training.backend import keras, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.training.data import Example

FRAMING = Framing(scale=0.785, shift_x=0.0, shift_y=0.08)
"""What SMILEs shows of a face (see `gate.training.data.TIGHT`): brows to chin, no background."""
AVERAGING = 0.03
"""Weight of the newest weights in their running mean, every eighth step."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a training run; two runs of one plan give one result."""

    arch: str = "gate-net"
    epochs: int = 60
    batch: int = 64
    seed: int = 1
    learning_rate: float = 2e-3
    plateau: int = 5
    """Epochs without a better validation loss after which the learning rate is cut to 0.4."""
    patience: int = 14
    """Epochs without a better validation loss after which training stops."""
    smoothing: float = 0.05
    """Label smoothing: labels of faint smiles are not to be trusted fully."""
    trust: float = 0.5
    """Weight of the teachers' opinion against the label, where there are teachers."""
    normalisation: Normalisation = Normalisation.STANDARD
    framing: Framing = FRAMING
    strength: Strength = field(default_factory=Strength)
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of the history."""

    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float
    validation_accuracy: float
    validation_auc: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: ``done`` of ``total`` batches, and the epochs so far."""

    done: int
    total: int
    history: tuple[Epoch, ...]


class Run:
    """A training run in a folder; started again with the same plan, it goes on where it was."""

    def __init__(
        self,
        plan: Plan,
        training: Sequence[Example],
        validation: Sequence[Example],
        folder: Path,
        soft: NDArray[np.float32] | None = None,
    ) -> None:
        """``soft`` is the teachers' mean probability for each training face.

        Raise `GateError` where the folder holds a run of another plan.
        """
        self.plan, self.folder = plan, folder
        self.size = architectures.named(plan.arch).size
        self._training, self._validation = training, validation
        labels = np.array([example.label for example in training], np.float32)
        self._targets = labels if soft is None else labels + plan.trust * (soft - labels)
        self._weights = class_weights(training)
        self._kit = keras()
        prepare(plan.seed, plan.threads)
        self.history: list[Epoch] = []
        self._state_file = folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True)
        about = json.loads(json.dumps(asdict(plan))) | {"faces": len(training)}
        if self._state_file.exists():
            self._resume(about)
        else:
            self.model = architectures.named(plan.arch).build(self.size)
            self._average: list[NDArray[np.float32]] = self.model.get_weights()
            self._compile()
            self._state: dict[str, Any] = {
                "plan": about, "best": None, "best_epoch": 0, "since_cut": 0, "finished": False,
            }

    def _compile(self) -> None:
        optimizers = self._kit.optimizers
        self.model.compile(
            optimizers.AdamW(self.plan.learning_rate, weight_decay=0.02),
            self._kit.losses.BinaryCrossentropy(label_smoothing=self.plan.smoothing),
        )

    def _resume(self, about: dict[str, Any]) -> None:
        self._state = json.loads(self._state_file.read_text(encoding="utf-8"))
        if self._state["plan"] != about:
            raise GateError(
                f"{self.folder}: holds a run with other settings or data; choose another --out, or "
                "delete the folder to start again"
            )
        self.history = [Epoch(**line) for line in self._state["history"]]
        self.model = self._kit.models.load_model(self.folder / "last.keras")
        with np.load(self.folder / "average.npz") as arrays:
            self._average = [arrays[f"w{i}"] for i in range(len(arrays.files))]

    @property
    def finished(self) -> bool:
        """Whether the last epoch is over or training has stopped early."""
        return bool(self._state["finished"]) or len(self.history) >= self.plan.epochs

    def go(self, watch: Callable[[Progress], None] = lambda _: None) -> Any:
        """Train to the end and return the best model; ``watch`` is called after every batch.

        May be broken off at any time (Ctrl-C): what the last whole epoch left is kept.
        """
        held = plain_crops(self._validation, self.plan.framing, self.size)
        seen = normalise(held, self.plan.normalisation)
        labels = np.array([example.label for example in self._validation])
        weights = class_weights(self._validation)
        batches = max(1, len(self._training) // self.plan.batch)
        total = batches * self.plan.epochs
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._varied, len(self.history))
            while not self.finished:
                number = len(self.history)
                pictures, targets, importance = ahead.result()
                if number + 1 < self.plan.epochs:
                    ahead = pool.submit(self._varied, number + 1)
                losses = []
                for at in range(batches):
                    part = slice(at * self.plan.batch, (at + 1) * self.plan.batch)
                    self._warm_up(number * batches + at, batches)
                    loss = self.model.train_on_batch(
                        pictures[part], targets[part], importance[part]
                    )
                    losses.append(float(np.ravel(loss)[0]))
                    if at % 8 == 7 or at == batches - 1:
                        self._add_to_average(number * batches + at)
                    watch(Progress(number * batches + at + 1, total, tuple(self.history)))
                self._judge(float(np.mean(losses)), seen, labels, weights)
                watch(Progress((number + 1) * batches, total, tuple(self.history)))
        return self._kit.models.load_model(self.folder / "best.keras", compile=False)

    def _varied(self, epoch: int) -> tuple[NDArray[np.float32], ...]:
        """Return one epoch's pictures, targets and weights in random order."""
        rng = np.random.default_rng((self.plan.seed, epoch))
        order = rng.permutation(len(self._training))
        crops = np.empty((len(order), *self.size), np.uint8)
        targets = np.empty(len(order), np.float32)
        plan = self.plan
        for place, index in enumerate(order):
            example = self._training[index]
            crops[place], targets[place] = vary(
                example.image, example.box, float(self._targets[index]),
                plan.framing, self.size, rng, plan.strength,
            )
        return normalise(crops, plan.normalisation), targets, self._weights[order]

    def _warm_up(self, step: int, batches: int) -> None:
        """Raise the learning rate evenly over the first epoch."""
        if step < batches:
            rate = self.plan.learning_rate * (step + 1) / batches
            self.model.optimizer.learning_rate.assign(rate)

    def _add_to_average(self, step: int) -> None:
        share = max(AVERAGING, 1.0 / (2.0 + step / 8.0))
        for mean, now in zip(self._average, self.model.get_weights(), strict=True):
            mean += share * (now - mean)

    def _judge(
        self,
        loss: float,
        seen: NDArray[np.float32],
        labels: NDArray[np.int64],
        weights: NDArray[np.float32],
    ) -> None:
        """Validate the averaged weights, keep them if best, and save all that a resume needs."""
        current = self.model.get_weights()
        self.model.set_weights(self._average)
        scores = self.model.predict(seen, batch_size=256, verbose=0)[:, 0]
        clipped = np.clip(scores, 1e-6, 1 - 1e-6)
        log_loss = -np.where(labels == 1, np.log(clipped), np.log(1 - clipped))
        rate = float(self.model.optimizer.learning_rate.numpy())
        line = Epoch(
            epoch=len(self.history) + 1,
            learning_rate=rate,
            loss=loss,
            validation_loss=float(np.average(log_loss, weights=weights)),
            validation_accuracy=float(np.mean((scores >= 0.5) == labels)),
            validation_auc=metrics.auc(scores, labels),
        )
        self.history.append(line)
        state = self._state
        if state["best"] is None or line.validation_loss < state["best"]:
            state |= {"best": line.validation_loss, "best_epoch": line.epoch, "since_cut": 0}
            self.model.save(self.folder / "best.keras")
        else:
            state["since_cut"] += 1
        self.model.set_weights(current)
        if state["since_cut"] >= self.plan.plateau:
            self.model.optimizer.learning_rate.assign(rate * 0.4)
            state["since_cut"] = 0
        state["finished"] = line.epoch - state["best_epoch"] >= self.plan.patience
        self.model.save(self.folder / "last.keras")
        np.savez(self.folder / "average.npz", **{f"w{i}": w for i, w in enumerate(self._average)})
        state["history"] = [asdict(epoch) for epoch in self.history]
        partial = self._state_file.with_suffix(".partial")
        partial.write_text(json.dumps(state, indent=1), encoding="utf-8")
        partial.replace(self._state_file)

    @property
    def recipe(self) -> export.Recipe:
        """What the gate has to do with this run's model."""
        return export.Recipe(self.plan.arch, self.plan.framing, self.plan.normalisation)


def class_weights(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return a weight for each face, mean 1: both classes of a set weigh the same in sum.

    A set counts by the square root of its size, so that the largest doesn't drown the others;
    and no set's share of smiles can be learnt as a trait of its pictures.
    """
    weights = np.empty(len(examples), np.float32)
    sources = np.array([example.source for example in examples])
    labels = np.array([example.label for example in examples])
    for source in np.unique(sources):
        whole = sources == source
        for label in (0, 1):
            members = whole & (labels == label)
            if members.any():
                weights[members] = np.sqrt(whole.sum()) / members.sum()
    return weights * np.float32(len(weights) / weights.sum())


def plain_crops(
    examples: Sequence[Example], framing: Framing, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the faces as the gate would cut them, (n, h, w)."""
    crops = [cut(faces.as_gray(e.image), e.box, framing, size) for e in examples]
    return np.stack(crops)


def opinions(
    teachers: Sequence[Any], examples: Sequence[Example], plan: Plan
) -> NDArray[np.float32]:
    """Return the teachers' mean probability for each face over five framings and their mirrors."""
    views = [plan.framing] + [
        replace(plan.framing, scale=plan.framing.scale * s, shift_x=x, shift_y=plan.framing.shift_y + y)
        for s, x, y in ((0.92, 0.0, 0.0), (1.08, 0.0, 0.0), (1.0, 0.03, 0.03), (1.0, -0.03, -0.03))
    ]
    total = np.zeros(len(examples), np.float64)
    for teacher in teachers:
        size = teacher.input_shape[1:3]
        for view in views:
            crops = normalise(plain_crops(examples, view, size), plan.normalisation)
            for pictures in (crops, crops[:, :, ::-1]):
                total += teacher.predict(pictures, batch_size=256, verbose=0)[:, 0]
    return (total / (len(teachers) * len(views) * 2)).astype(np.float32)
