"""Export of a trained Keras model to TFLite files and their cards."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from gate.errors import ModelError
from gate.system import durable
from gate.training import architectures
from gate.training.keras_backend import keras, tensorflow
from gate.vision.model_input import Framing, Normalisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


USUAL_THRESHOLD = 0.67
"""Threshold of the shipped model; the least for a model with too few validation faces to tell."""


class Precision(StrEnum):
    """The numbers in a TFLite file."""

    FLOAT = "float"
    """Computes in float32; weights are stored as float16, which halves the file."""
    INT8 = "int8"
    """Weights and activations in 8 bits, input and output too."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The treatment of a model's input and output by the gate; it goes into the card."""

    name: str
    framing: Framing
    normalisation: Normalisation
    threshold: float = 0.5
    labels: tuple[str, str] = ("not_smiling", "smiling")


def load(path: Path) -> Any:
    """Return the Keras model in a file, or of its weights; raise `ModelError` if there is none."""
    if not path.is_file():
        raise ModelError(f"{path}: no such model; train one: smile-gate model train --help")
    if path.suffix == ".npz":
        return _with_weights(path)
    try:
        return keras().models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).splitlines() or ["unknown format"])[0][:120]
        raise ModelError(f"{path}: not a Keras model that can be read ({reason})") from None


def write_weights(weights: Sequence[NDArray[np.float32]], arch: str, path: Path) -> None:
    """Write a model's weights to ``path`` (.npz), which every version of Keras can load."""
    named = {f"w{i:03}": w for i, w in enumerate(weights)}
    np.savez_compressed(path, arch=np.array(arch), **named)


_DAMAGED = (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile, zlib.error)
"""Exceptions of numpy for a file that is not one of its archives, or is damaged."""


def _with_weights(path: Path) -> Any:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            entry = architectures.named(str(arrays["arch"]))
            weights = [arrays[name] for name in sorted(arrays.files) if name != "arch"]
        model = entry.build(entry.size)
        model.set_weights(weights)
    except (*_DAMAGED, ModelError) as error:
        reason = (str(error).splitlines() or ["unknown format"])[0][:120]
        raise ModelError(f"{path}: not the weights of a model ({reason})") from None
    return model


def convert(model: Any, precision: Precision, samples: NDArray[np.float32] | None = None) -> bytes:
    """Return the TFLite file; int8 needs ``samples`` (n, h, w, 1) as the model's input shows."""
    tf = tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        shape = (1, *model.input_shape[1:])
        function = tf.function(
            lambda x: model(x, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )
        module = tf.Module()
        module.model = model
        tf.saved_model.save(module, folder, signatures=function.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision is Precision.FLOAT:
            converter.target_spec.supported_types = [tf.float16]
        else:
            if samples is None or len(samples) == 0:
                raise ModelError("int8 needs faces to measure the ranges on; give --data DIR")
            converter.representative_dataset = lambda: ([x[None]] for x in samples)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
        with _quiet():
            content: bytes = converter.convert()
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence standard error: the converter writes pages there although nothing is wrong.

    Errors are raised as exceptions.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def write(content: bytes, path: Path, recipe: Recipe, more: dict[str, Any] | None = None) -> None:
    """Write the model file and its card beside it; ``more`` is kept in the card for readers."""
    size = _input_size(content)
    card = {
        "name": recipe.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "input_size": list(size),
        "framing": {
            "scale": recipe.framing.scale,
            "shift_x": recipe.framing.shift_x,
            "shift_y": recipe.framing.shift_y,
        },
        "normalisation": str(recipe.normalisation),
        "threshold": recipe.threshold,
        "labels": list(recipe.labels),
        **(more or {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, content)
    durable.write(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def _input_size(content: bytes) -> tuple[int, int]:
    interpreter = tensorflow().lite.Interpreter(model_content=content)
    _, height, width, _ = (int(n) for n in interpreter.get_input_details()[0]["shape"])
    return height, width


def with_temperature(model: Any, temperature: float, shift: float = 0.0) -> None:
    """Calibrate a model in place: its last dense layer answers (logit - shift) / temperature.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel / temperature, (bias - shift) / temperature])


def differences(
    first: NDArray[np.float32], second: NDArray[np.float32], threshold: float
) -> tuple[int, float]:
    """Return how many verdicts differ between two lists of scores, and the largest gap."""
    differ = int(np.sum((first >= threshold) != (second >= threshold)))
    return differ, float(np.max(np.abs(first - second), initial=0.0))


def spread_sample(count: int, wanted: int) -> Sequence[int]:
    """Return up to ``wanted`` indices spread evenly over ``count`` items."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int)).tolist()  # type: ignore[no-any-return]  # list of int by dtype
