"""The training loop: seeded, with reports of its progress, resumable."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import GateError, ModelError
from gate.system import durable
from gate.training import architectures, export, metrics
from gate.training.augment import vary
from gate.training.batches import class_weights, mixed, plain_crops, predicted
from gate.training.keras_backend import keras, prepare
from gate.training.plan import Schedule, TrainingPlan
from gate.vision.framing import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.training.data import Example

VALIDATION_SEED = 0
"""The varied validation faces are the same in every run."""
AVERAGED = 100
"""Steps that the running mean of the weights looks back on, or `AVERAGED_EPOCHS` where shorter."""
AVERAGED_EPOCHS = 1.25
"""A small set has few steps: over more of them the mean would lag behind the weights."""
EACH = 8
"""Steps from one addition to the running mean to the next."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of the history."""

    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float
    """Of the faces as they are and as varied ones: what the best epoch is chosen by."""
    validation_accuracy: float
    """Of the faces as they are; so the AUC."""
    validation_auc: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run: ``done`` of ``total`` batches, and the epochs so far."""

    done: int
    total: int
    history: tuple[Epoch, ...]


class Run:
    """A training run in a folder; started again with the same plan, it resumes."""

    def __init__(
        self,
        plan: TrainingPlan,
        training: Sequence[Example],
        validation: Sequence[Example],
        folder: Path,
        soft: NDArray[np.float32] | None = None,
        start: Any = None,
    ) -> None:
        """``soft`` is the teachers' mean probability for each training face.

        ``start`` is a model of the same architecture whose weights a new run begins with.

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
        about = json.loads(json.dumps(asdict(plan)))
        about |= {"faces": len(training), "validated": "plain and varied"}
        if self._state_file.exists():
            self._resume(about)
        else:
            self.model = architectures.named(plan.arch).build(self.size)
            if start is not None:
                self._begin_with(start)
            self._average: list[NDArray[np.float32]] = self.model.get_weights()
            self._compile()
            self._state: dict[str, Any] = {
                "plan": about,
                "best": None,
                "best_epoch": 0,
                "since_cut": 0,
                "finished": False,
            }

    def _begin_with(self, start: Any) -> None:
        try:
            self.model.set_weights(start.get_weights())
        except ValueError:
            raise ModelError(
                f"the model to start from is no {self.plan.arch}; name one of that architecture"
            ) from None

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
        held = self._held_out()
        faces = self.plan.drawn or len(self._training)
        batch = self.plan.faces_a_step(faces)
        batches = faces // batch
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
                    part = slice(at * batch, (at + 1) * batch)
                    self._set_rate(number * batches + at, batches)
                    loss = self.model.train_on_batch(
                        pictures[part], targets[part], importance[part]
                    )
                    losses.append(float(np.ravel(loss)[0]))
                    if at % EACH == EACH - 1 or at == batches - 1:
                        self._add_to_average(number * batches + at, batches)
                    watch(Progress(number * batches + at + 1, total, tuple(self.history)))
                self._judge(float(np.mean(losses)), *held)
                watch(Progress((number + 1) * batches, total, tuple(self.history)))
        return self._kit.models.load_model(self.folder / "best.keras", compile=False)

    def _varied(self, epoch: int) -> tuple[NDArray[np.float32], ...]:
        """Return one epoch's pictures, targets and weights in random order."""
        rng = np.random.default_rng((self.plan.seed, epoch))
        count, importance = len(self._training), self._weights
        if self.plan.drawn:
            chances = self._weights / self._weights.sum(dtype=np.float64)
            order = rng.choice(count, self.plan.drawn, p=chances)
            importance = np.ones(count, np.float32)
        else:
            order = rng.permutation(count)
        faces = [self._training[index] for index in order]
        pictures, targets = self._vary(faces, self._targets[order], rng)
        if self.plan.mixing:
            pictures, targets = mixed(pictures, targets, self.plan.mixing, rng)
        return pictures, targets, importance[order]

    def _held_out(self) -> tuple[NDArray[np.float32], ...]:
        """Return the validation faces as they are, then varied, always alike; labels, weights."""
        faces, plan = self._validation, self.plan
        labels = np.array([example.label for example in faces], np.float32)
        plain = normalise(plain_crops(faces, plan.framing, self.size), plan.normalisation)
        varied, seen = self._vary(faces, labels, np.random.default_rng(VALIDATION_SEED))
        weights = class_weights(faces)
        return (
            np.concatenate([plain, varied]),
            np.concatenate([labels, seen]),
            np.concatenate([weights, weights]),
        )

    def _vary(
        self, faces: Sequence[Example], labels: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return each face as a camera at a queue may see it, and what is left of its label."""
        plan = self.plan
        crops = np.empty((len(faces), *self.size), np.uint8)
        targets = np.empty(len(faces), np.float32)
        for place, (face, label) in enumerate(zip(faces, labels, strict=True)):
            crops[place], targets[place] = vary(
                face.image, face.box, float(label), plan.framing, self.size, rng, plan.strength
            )
        return normalise(crops, plan.normalisation), targets

    def _set_rate(self, step: int, batches: int) -> None:
        """Raise the learning rate evenly over the first epoch, then follow the schedule."""
        rate = self.plan.learning_rate * min(1.0, (step + 1) / batches)
        if self.plan.schedule is Schedule.COSINE:
            rate *= 0.5 + 0.5 * float(np.cos(np.pi * step / (batches * self.plan.epochs)))
        elif step >= batches:
            return
        self.model.optimizer.learning_rate.assign(rate)

    def _add_to_average(self, step: int, batches: int) -> None:
        back = min(AVERAGED, AVERAGED_EPOCHS * batches, 2 * EACH + step)
        share = min(1.0, EACH / back)
        now = self.model.get_weights()
        self._average = [a + share * (b - a) for a, b in zip(self._average, now, strict=True)]

    def _judge(
        self,
        loss: float,
        seen: NDArray[np.float32],
        labels: NDArray[np.float32],
        weights: NDArray[np.float32],
    ) -> None:
        """Validate the averaged weights, keep them if best, and save all that a resume needs."""
        current = self.model.get_weights()
        self.model.set_weights(self._average)
        scores = predicted(self.model, seen)
        clipped = np.clip(scores, 1e-6, 1 - 1e-6)
        log_loss = -np.where(labels == 1, np.log(clipped), np.log(1 - clipped))
        plain = slice(len(self._validation))
        truth = labels[plain].astype(int)
        rate = float(self.model.optimizer.learning_rate.numpy())
        line = Epoch(
            epoch=len(self.history) + 1,
            learning_rate=rate,
            loss=loss,
            validation_loss=float(np.average(log_loss, weights=weights)),
            validation_accuracy=float(np.mean((scores[plain] >= 0.5) == truth)),
            validation_auc=metrics.auc(scores[plain], truth),
        )
        self.history.append(line)
        state = self._state
        if state["best"] is None or line.validation_loss < state["best"]:
            state |= {"best": line.validation_loss, "best_epoch": line.epoch, "since_cut": 0}
            self.model.save(self.folder / "best.keras")
        else:
            state["since_cut"] += 1
        self.model.set_weights(current)
        if self.plan.schedule is Schedule.PLATEAU:
            if state["since_cut"] >= self.plan.plateau:
                self.model.optimizer.learning_rate.assign(rate * 0.4)
                state["since_cut"] = 0
            state["finished"] = line.epoch - state["best_epoch"] >= self.plan.patience
        self.model.save(self.folder / "last.keras")
        np.savez(self.folder / "average.npz", **{f"w{i}": w for i, w in enumerate(self._average)})
        state["history"] = [asdict(epoch) for epoch in self.history]
        durable.write(self._state_file, json.dumps(state, indent=1).encode())

    @property
    def recipe(self) -> export.Recipe:
        """The treatment of this run's model by the gate."""
        return export.Recipe(self.plan.arch, self.plan.framing, self.plan.normalisation)
