"""Comparison of all architectures on the same faces, with the same split, seeds and schedule."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gate.system import durable
from gate.training import architectures, data, evaluate, export, fit, metrics, stress
from gate.vision.classifier import TFLiteClassifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gate.training.plan import TrainingPlan

STRESSED = 300
"""Kept-out faces of each set on which the stress levels are tried."""


@dataclass(frozen=True, slots=True)
class Result:
    """One network trained once: on ``trained_on``, judged on kept-out faces of every set."""

    arch: str
    seed: int
    trained_on: str
    """A set's name, or ``all``."""
    epochs: int
    parameters: int
    bytes: int
    milliseconds: float
    """One face, normalisation included, one thread of this machine."""
    accuracy: dict[str, float]
    auc: dict[str, float]
    """By the name of the set judged on. Threshold 0.5: nothing is tuned on these faces."""
    worst_stress: str = ""
    worst_stress_accuracy: float = float("nan")
    """The worst mild stress level; only for networks trained on all sets."""


@dataclass(frozen=True, slots=True)
class Sets:
    """The faces of each set, by name: for training, and kept out."""

    training: dict[str, list[data.Example]]
    kept_out: dict[str, list[data.Example]]


def read_sets(
    folders: Sequence[Path], crops: data.Crops, lists: Iterable[Path], share: float
) -> Sets:
    """Read all sets and divide each into faces to train on and faces kept out."""
    listed = frozenset[str]().union(*(data.read_list(path) for path in lists))
    sets = Sets({}, {})
    for folder in folders:
        reading = data.read(folder, crops)
        out = data.out_of_training([e.key for e in reading.examples], listed, share)
        sets.training[folder.name] = [e for e in reading.examples if e.key not in out]
        sets.kept_out[folder.name] = [e for e in reading.examples if e.key in out]
    return sets


def read_kept_out(
    folders: Sequence[Path], lists: Iterable[Path], share: float
) -> dict[str, list[data.Example]]:
    """Read the kept-out faces of each set, by its name, and no others."""
    listed = frozenset[str]().union(*(data.read_list(path) for path in lists))
    found = {}
    for folder in folders:
        out = data.out_of_training([key for key, _, _ in data.pictures(folder)], listed, share)
        found[folder.name] = list(data.read(folder, only=out).examples)
    return found


def trial(plan: TrainingPlan, sets: Sets, trained_on: str) -> Result:
    """Train one network in a folder that is thrown away, and judge its TFLite file."""
    names = list(sets.training) if trained_on == "all" else [trained_on]
    examples = [example for name in names for example in sets.training[name]]
    training, validation = data.split(examples, 0.1, plan.seed)
    with tempfile.TemporaryDirectory() as folder:
        model = fit.Run(plan, training, validation, Path(folder) / "run").go()
        path = Path(folder) / "model.tflite"
        export.write(
            export.convert(model, export.Precision.FLOAT),
            path,
            export.Recipe(plan.arch, plan.framing, plan.normalisation),
        )
        with TFLiteClassifier(path) as classifier:
            accuracy, auc = {}, {}
            for name, faces in sets.kept_out.items():
                labels = np.array([example.label for example in faces])
                report = metrics.judge(evaluate.score_examples(classifier, faces), labels, 0.5)
                accuracy[name], auc[name] = report.accuracy.value, report.auc
            result = Result(
                arch=plan.arch,
                seed=plan.seed,
                trained_on=trained_on,
                epochs=plan.epochs,
                parameters=int(model.count_params()),
                bytes=path.stat().st_size,
                milliseconds=evaluate.milliseconds(classifier),
                accuracy=accuracy,
                auc=auc,
            )
            if trained_on != "all":
                return result
            some = [
                faces[i]
                for faces in sets.kept_out.values()
                for i in export.spread_sample(len(faces), STRESSED)
            ]
            worst, value = stress.worst_mild(stress.curves(classifier, some, 0.5, mild_only=True))
            return replace(result, worst_stress=worst, worst_stress_accuracy=value)


def trials(
    sets: Sets,
    plan: TrainingPlan,
    names: Sequence[str],
    finalists: int,
    done: Sequence[Result],
    tell: Callable[[Result], None],
) -> list[Result]:
    """Train every named network on each set alone and on all; the best on three seeds.

    ``done`` are results of an earlier call with the same plan, which aren't made again.
    """
    results = list(done)

    def make(arch: str, seed: int, trained_on: str) -> None:
        key = (arch, seed, trained_on)
        if not any((r.arch, r.seed, r.trained_on) == key for r in results):
            results.append(trial(replace(plan, arch=arch, seed=seed), sets, trained_on))
            tell(results[-1])

    several = len(sets.training) > 1
    for arch in names:
        for trained_on in (*(sets.training if several else ()), "all"):
            make(arch, plan.seed, trained_on)
    for arch in best(results, finalists):
        for seed in (plan.seed + 1, plan.seed + 2):
            make(arch, seed, "all")
    return results


def best(results: Sequence[Result], count: int) -> list[str]:
    """Return the networks with the best worst set when trained on all sets."""
    whole = [r for r in results if r.trained_on == "all"]
    order = sorted(whole, key=lambda r: -min(r.auc.values()))
    return list(dict.fromkeys(r.arch for r in order))[:count]


def read_results(path: Path, plan: TrainingPlan) -> list[Result]:
    """Return the results of an earlier, broken off comparison with as many epochs, if any."""
    if not path.exists():
        return []
    lines = json.loads(path.read_text(encoding="utf-8"))
    results = [Result(**line) for line in lines]
    return [r for r in results if r.epochs == plan.epochs]


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, (json.dumps([asdict(r) for r in results], indent=1) + "\n").encode())


def table(results: Sequence[Result]) -> str:
    """Return the comparison as a Markdown table; several seeds are given as mean ± deviation."""
    sets = list(results[0].accuracy)
    head = [
        "network",
        "parameters",
        "kB",
        "ms",
        *(f"{name}: accuracy / AUC" for name in sets),
        *(f"{a} → {b}: accuracy / AUC" for a in sets for b in sets if a != b),
        "worst mild stress",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for arch in dict.fromkeys(r.arch for r in results):
        mine = [r for r in results if r.arch == arch]
        whole = [r for r in mine if r.trained_on == "all"]
        if not whole:
            continue
        first = whole[0]
        cells = [
            f"{arch}" + (f" ({len(whole)} seeds)" if len(whole) > 1 else ""),
            f"{first.parameters:,}",
            f"{first.bytes / 1000:.0f}",
            f"{np.median([r.milliseconds for r in whole]):.2f}",
            *(_cell(whole, name) for name in sets),
            *(
                _cell([r for r in mine if r.trained_on == a], b)
                for a in sets
                for b in sets
                if a != b
            ),
            f"{_spread([r.worst_stress_accuracy for r in whole])} ({first.worst_stress})",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(results: Sequence[Result], name: str) -> str:
    if not results:
        return "–"
    auc = float(np.mean([r.auc[name] for r in results]))
    return f"{_spread([r.accuracy[name] for r in results])} / {auc:.4f}"


def _spread(values: Sequence[float]) -> str:
    text = f"{100 * float(np.mean(values)):.1f} %"
    return text if len(values) == 1 else text + f" ± {100 * float(np.std(values, ddof=1)):.1f}"


NAMES = tuple(name for name in architectures.REGISTRY if name not in ("gate-teacher", "eye-net"))
"""Architectures that are compared: all smile models that could run at a gate."""
