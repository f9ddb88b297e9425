"""A model file, tried in a process of its own before it counts.

A runtime trusts its model file: one that was harmed, by chance or on purpose, can crash it, hang it
or make it answer with no number, and a gate must not learn that at a reload.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gate.errors import ModelError
from gate.system import resources
from gate.system.child import Child, ChildEnded, serve
from gate.vision.classifier import EYES, SHIPPED, Card, TFLiteClassifier, read_model

if TYPE_CHECKING:
    from gate.core.domain import Image

LIMIT_S = 10.0
"""For loading and a few crops, s; the shipped ones take some 20 ms."""
MEMORY = 96 * 2**20
"""What a model may take, bytes; the shipped ones take 64 MB for a moment, and less than 5 MB after.

It is tried inside of the service's `MemoryMax=`, and even at its limit must not bring the gate
there: gate 200 MB (what the rig allows; 119 MB were measured), guard 20 MB, query process 41 MB,
and this child 30 MB before the model, make 387 MB with it. Were there more, the kernel would end
this child first, see `gate.system.child.first_to_go`.
"""


def try_model(path: Path) -> str:
    """Load the file and score a few crops in a child; return its SHA-256, in hexadecimal.

    The shipped models need no trial. Raises `ModelError` where the file does not pass, or its card.
    """
    digest = hashlib.sha256(read_model(path)).hexdigest()
    if digest in _shipped():
        return digest
    with Child("gate.vision.trial") as child:
        try:
            passed, _, said = child.ask(os.fsencode(path)).decode().partition(":")
        except ChildEnded as error:
            raise ModelError(f"{path}: {error}; use another model") from None
    if not passed:
        raise ModelError(said)
    return passed


def _shipped() -> set[str]:
    paths = (resources.path(name) for name in (SHIPPED, EYES))
    return {Card.read(path.with_suffix(".json")).sha256 for path in paths}


def _answer(request: bytes) -> bytes:
    """``SHA-256:`` of the model at the path where it passes, or ``:`` and what is wrong with it."""
    path = Path(os.fsdecode(request))
    try:
        with TFLiteClassifier(path) as model:
            scores = [float(score) for score in model.score(_crops(model.size))]
            digest = model.card.sha256
    except ModelError as error:
        return f":{error}".encode()
    except MemoryError:
        return f":{path}: takes more than {MEMORY // 2**20} MB; use another model".encode()
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f":{path}: can't score a picture ({reason}); use another model".encode()
    if not all(map(math.isfinite, scores)):
        return f":{path}: gives no number for a picture; use another model".encode()
    return f"{digest}:".encode()


def _crops(size: tuple[int, int]) -> list[Image]:
    """Black, white, a slope and noise."""
    height, width = size
    slope = np.linspace(0, 255, width, dtype=np.uint8)[None].repeat(height, axis=0)
    noise = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)
    return [np.zeros(size, np.uint8), np.full(size, 255, np.uint8), slope, noise]


if __name__ == "__main__":
    serve(_answer, limit_s=LIMIT_S, memory=MEMORY)
