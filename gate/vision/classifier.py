"""The TFLite adapter: crops of faces in, calibrated probabilities out.

Input size, number type and quantisation are read from the model file; what the file can't say
(framing, normalisation, threshold) is read from the JSON card beside it. Nothing here is about
smiles but the name: an eye-state model with a card of the same form is read the same way.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gate.errors import ModelError
from gate.system import resources
from gate.vision.framing import normalise
from gate.vision.model_input import Framing, Normalisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gate.core.domain import Image

SHIPPED = "models/smile.tflite"
EYES = "models/eyes.tflite"
"""The shipped eye-state model."""
CARD_BYTES = 64 * 1024
"""The shipped cards have 2 kB."""
MODEL_BYTES = 64 * 2**20
"""The shipped models have less than 0.2 MB."""
MAX_SIDE = 1024
"""A crop's sides are less than this, px; the shipped models take 48 and 24."""


@dataclass(frozen=True, slots=True)
class Card:
    """Facts about a model that are not in its file: ``NAME.json`` beside ``NAME.tflite``."""

    name: str
    sha256: str
    """SHA-256 of the model file, in hex; a card that was written for another file is refused."""
    input_size: tuple[int, int]
    """(height, width) of a crop in pixels."""
    framing: Framing
    normalisation: Normalisation
    threshold: float
    """Probability at and above which the gate takes the face for a smile."""
    labels: tuple[str, str]
    """Meanings of probability 0 and probability 1."""

    @classmethod
    def read(cls, path: Path) -> Card:
        """Read a card; raise `ModelError` where it is missing or can't be understood."""
        try:
            with path.open("rb") as file:
                text = file.read(CARD_BYTES + 1)
        except OSError:
            raise ModelError(
                f"{path}: the model's card is missing; copy it from where the model came from"
            ) from None
        try:
            if len(text) > CARD_BYTES:
                raise ValueError(f"larger than {CARD_BYTES // 1024} kB")
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path}: not a JSON card ({error}); export the model again") from None
        try:
            return cls._from(data)
        except KeyError as error:
            raise ModelError(f"{path}: the card lacks {error}; export the model again") from None
        except ValueError as error:
            raise ModelError(
                f"{path}: the card can't be used ({error}); export the model again"
            ) from None

    @classmethod
    def _from(cls, data: Any) -> Card:
        """The card of what its file says. Raises KeyError and ValueError."""
        if not isinstance(data, dict):
            raise ValueError("should be an object")
        framing, sides, labels = data["framing"], data["input_size"], data["labels"]
        if not isinstance(framing, dict) or set(framing) != {"scale", "shift_x", "shift_y"}:
            raise ValueError("framing should have scale, shift_x and shift_y")
        if not isinstance(sides, list) or [type(side) for side in sides] != [int, int]:
            raise ValueError("input_size should be two whole numbers")
        if not isinstance(labels, list) or len(labels) != 2:
            raise ValueError("labels should be two words")
        height, width = (int(_number("input_size", side, 0, MAX_SIDE)) for side in sides)
        return cls(
            name=_word("name", data["name"]),
            sha256=_word("sha256", data["sha256"]),
            input_size=(height, width),
            framing=Framing(
                scale=_number("framing.scale", framing["scale"], 0, 10),
                shift_x=_number("framing.shift_x", framing["shift_x"], -10, 10),
                shift_y=_number("framing.shift_y", framing["shift_y"], -10, 10),
            ),
            normalisation=Normalisation(_word("normalisation", data["normalisation"])),
            threshold=_number("threshold", data["threshold"], 0, 1),
            labels=(_word("labels", labels[0]), _word("labels", labels[1])),
        )


def _number(name: str, value: object, low: float, high: float) -> float:
    """The value, which must lie between the limits. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
        raise ValueError(f"{name} should be a number between {low:g} and {high:g}")
    return float(value)


def _word(name: str, value: object) -> str:
    """The value, which must be a short text in one line. Raises ValueError."""
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError(f"{name} should be a word")
    return value


def read_model(path: Path) -> bytes:
    """The model file. Raises `ModelError` where it is missing, or too large to be one."""
    try:
        with path.open("rb") as file:
            content = file.read(MODEL_BYTES + 1)
    except OSError:
        raise ModelError(
            f"{path}: no model file that can be read; check the path, or leave it out to use "
            "the shipped model"
        ) from None
    if len(content) > MODEL_BYTES:
        raise ModelError(f"{path}: larger than {MODEL_BYTES // 2**20} MB; use a smaller model")
    return content


class TFLiteClassifier:
    """A binary classifier of face crops in a TFLite file; close it, or use it with ``with``."""

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Load ``model``, or the shipped one; ``threads`` is how many cores a score may use.

        Raise `ModelError` where the file or its card is missing, they don't belong together, or
        the file is not one gray picture in, one probability out.
        """
        path = resources.path(SHIPPED) if model is None else Path(model)
        content = read_model(path)
        self.card = Card.read(path.with_suffix(".json"))
        if hashlib.sha256(content).hexdigest() != self.card.sha256:
            raise ModelError(
                f"{path}: its card {path.with_suffix('.json').name} was written for another file "
                "(sha256 differs); copy both from one place, or export the model again"
            )
        try:
            with _quiet():
                self._interpreter: Any = _interpreter_class()(
                    model_content=content, num_threads=threads
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: not a TFLite model that runs here ({reason})") from None
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shape = tuple(int(n) for n in inputs[0]["shape"])
        if (
            len(inputs) != 1
            or len(outputs) != 1
            or len(shape) != 4
            or shape[3] != 1
            or int(np.prod(outputs[0]["shape"])) != shape[0]
        ):
            raise ModelError(
                f"{path}: takes {shape} and gives {tuple(outputs[0]['shape'])}; the gate needs "
                "(1, height, width, 1) gray in and one probability out"
            )
        self.size = (shape[1], shape[2])
        if self.size != self.card.input_size:
            raise ModelError(
                f"{path}: takes crops of {self.size}, its card says {self.card.input_size}; "
                "export the model again"
            )
        self._input, self._output = inputs[0], outputs[0]
        self.dtype = np.dtype(self._input["dtype"])

    def score(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return the calibrated probability of each uint8 crop of ``size``, as (n,) float32."""
        if self._interpreter is None:
            raise ModelError("the model was closed; load it again")
        scores = np.empty(len(crops), dtype=np.float32)
        for index, crop in enumerate(crops):
            if crop.shape != self.size:
                raise ValueError(f"crop of shape {crop.shape}, the model takes {self.size}")
            values = _quantised(normalise(crop[None], self.card.normalisation), self._input)
            self._interpreter.set_tensor(self._input["index"], values)
            self._interpreter.invoke()
            answer = self._interpreter.get_tensor(self._output["index"])
            scores[index] = _real(answer, self._output).reshape(-1)[0]
        scores[~np.isfinite(scores)] = np.nan  # no smile, where infinity would become a sure one
        return np.clip(scores, 0.0, 1.0)

    def close(self) -> None:
        """Give the interpreter's memory back; may be called twice."""
        self._interpreter = None

    def __enter__(self) -> TFLiteClassifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the runtime's greeting off standard error; errors are raised, not printed."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _interpreter_class() -> Any:
    """Return the TFLite interpreter of whichever runtime is installed, the lightest first."""
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        pass
    else:
        return Interpreter
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRT
    except ImportError:
        pass
    else:
        return LiteRT
    try:
        from tensorflow.lite import Interpreter as Full
    except ImportError:
        raise ModelError(
            "no TFLite runtime is installed; install tflite-runtime (Python 3.11) or "
            "ai-edge-litert (3.12 and newer)"
        ) from None
    return Full


def _quantised(values: NDArray[np.float32], tensor: dict[str, Any]) -> NDArray[Any]:
    """Return real ``values`` as the tensor's own numbers (real = scale · (number − zero))."""
    dtype = np.dtype(tensor["dtype"])
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    scale, zero = tensor["quantization"]
    limits = np.iinfo(dtype)
    numbers: NDArray[Any] = np.clip(np.rint(values / scale) + zero, limits.min, limits.max)
    return numbers.astype(dtype)


def _real(numbers: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    """Return the tensor's numbers as real values."""
    if not np.issubdtype(numbers.dtype, np.integer):
        return numbers.astype(np.float32)
    scale, zero = tensor["quantization"]
    values: NDArray[np.float32] = (numbers.astype(np.float32) - zero) * np.float32(scale)
    return values
