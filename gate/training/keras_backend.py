"""TensorFlow, imported only when something is trained or converted."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from gate.errors import GateError
from gate.system import extras


@cache
def tensorflow() -> Any:
    """Return the TensorFlow module, or say how to install it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise GateError(f"training needs {extras.missing('tensorflow', error)}") from None
    return tf


def keras() -> Any:
    """Return Keras as TensorFlow brings it."""
    return tensorflow().keras


def prepare(seed: int, threads: int) -> None:
    """Fix all seeds and make every operation repeatable; use ``threads`` cores.

    The number of threads can't be changed once TensorFlow has started to compute; a later call
    keeps the first one's.
    """
    tf = tensorflow()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
