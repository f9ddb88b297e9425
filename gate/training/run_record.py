"""Record of a run in ``run.json``, so that a later command finds the same faces again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import ModelError
from gate.system import durable
from gate.training import data
from gate.training.plan import Schedule, Strength, TrainingPlan
from gate.vision.model_input import Framing, Normalisation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The sources of a run's faces, and its plan."""

    plan: TrainingPlan
    folders: tuple[str, ...]
    crops: data.Crops = data.Crops.AUTO
    lists: tuple[str, ...] = ()
    kept_out_share: float = 0.2
    validation_share: float = 0.1
    split_seed: int = 1
    recheck: bool = True
    """Whether finds of the cascade that show no face are trained as not smiling."""
    teachers: tuple[str, ...] = ()
    opinions: str = ""
    """The table of outside networks' opinions, if any; see `gate.training.external_teachers`."""
    start: str = ""
    """The model whose weights the run began with, if any."""

    @property
    def about(self) -> dict[str, Any]:
        """Return the part of a model's card about its making: names of sets, no paths."""
        plan = json.loads(json.dumps(asdict(self.plan)))
        del plan["threads"], plan["framing"], plan["normalisation"]
        return {
            **plan,
            "data": [_last_part(folder) for folder in self.folders],
            "kept_out": [_last_part(path) for path in self.lists],
            "kept_out_share": self.kept_out_share,
            "validation_share": self.validation_share,
            "split_seed": self.split_seed,
            "recheck": self.recheck,
            "teachers": len(self.teachers),
            "outside_opinions": bool(self.opinions),
            "fine_tuned": bool(self.start),
        }

    def examples(
        self, tell: Callable[[Path, data.Reading, int], None] = lambda *_: None
    ) -> tuple[list[data.Example], list[data.Example]]:
        """Read the folders and return (training, validation), always the same for one plan."""
        from pathlib import Path

        listed = frozenset[str]().union(*(data.read_list(Path(path)) for path in self.lists))
        examples: list[data.Example] = []
        doubtful: set[tuple[str, str]] = set()
        for folder in map(Path, self.folders):
            keys = [key for key, _, _ in data.pictures(folder)]
            out_of_it = data.out_of_training(keys, listed, self.kept_out_share)
            reading = data.read(folder, self.crops, set(keys) - out_of_it, recheck=self.recheck)
            tell(folder, reading, len(out_of_it))
            examples += reading.examples
            doubtful |= {(folder.name, key) for key in reading.doubtful}
        parts = data.split(examples, self.validation_share, self.split_seed)
        training, validation = (
            [replace(e, label=0) if (e.source, e.key) in doubtful else e for e in part]
            for part in parts
        )
        return training, validation

    def write(self, folder: Path) -> None:
        """Write run.json into the run's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1)
        durable.write(folder / "run.json", (text + "\n").encode())


def load(folder: Path) -> RunRecord:
    """Read run.json; raise `ModelError` where the folder holds no run."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        plan = content.pop("plan")
        plan["schedule"] = Schedule(plan["schedule"])
        plan["normalisation"] = Normalisation(plan["normalisation"])
        plan["framing"] = Framing(**plan["framing"])
        plan["strength"] = Strength(**plan["strength"])
        content["crops"] = data.Crops(content["crops"])
        for name in ("folders", "lists", "teachers"):
            content[name] = tuple(content[name])
        return RunRecord(plan=TrainingPlan(**plan), **content)
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(
            f"{folder}: holds no training run; make one: smile-gate model train --help"
        ) from None


def labels(examples: Sequence[data.Example]) -> NDArray[np.int64]:
    """Return the (n,) labels."""
    return np.array([example.label for example in examples], np.int64)


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
