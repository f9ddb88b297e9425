"""The networks that can be trained, by the names the field gives them.

Each takes (n, h, w, 1) float32 as `gate.vision.framing.normalise` gives it and answers (n, 1)
probabilities. Only what Keras 2 and 3 share is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gate.errors import ModelError
from gate.training.keras_backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network and the input it was designed for."""

    name: str
    size: tuple[int, int]
    build: Callable[[tuple[int, int]], Any]
    summary: str


def lenet(size: tuple[int, int]) -> Any:
    """LeNet as smile detectors train it on SMILEs: 20 and 50 filters of 5×5, dense 500.

    Source: A. Rosebrock, Deep Learning for Computer Vision with Python, Starter Bundle (2017),
    smile detection chapter: 28×28 gray, Adam, 15 epochs, class weights. After LeCun et al.,
    Gradient-based learning applied to document recognition, Proc. IEEE 86 (1998).
    """
    layers = keras().layers
    return _sequential(
        size,
        layers.Conv2D(20, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(50, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(500, activation="relu"),
    )


def lenet5_modified(size: tuple[int, int]) -> Any:
    """LeNet-5 with ReLU and max pooling in place of tanh and average pooling; 32×32.

    Source: LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 86
    (1998), with the two usual changes.
    """
    layers = keras().layers
    return _sequential(
        size,
        layers.Conv2D(6, 5, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(120, activation="relu"),
        layers.Dense(84, activation="relu"),
    )


def happy_house(size: tuple[int, int]) -> Any:
    """Zero padding, 32 filters of 7×7, batch norm, ReLU, max pooling, one dense unit; 64×64.

    Source: the "Happy House" exercise (HappyModel) of the deeplearning.ai course Convolutional
    Neural Networks (2017), there on 64×64 colour pictures.
    """
    layers = keras().layers
    return _sequential(
        size,
        layers.ZeroPadding2D(3),
        layers.Conv2D(32, 7),
        _norm(),
        layers.Activation("relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    )


def deep_cnn(size: tuple[int, int]) -> Any:
    """Six 3×3 convolutions in three stages, batch norm after each, dropout 0.5 before the end.

    Source: the VGG pattern (Simonyan and Zisserman, 2015) with batch norm (Ioffe and Szegedy,
    2015) and dropout (Srivastava et al., 2014), as in the BKNet family of smile detectors
    (Sang, Cuong and Ha, Multi-task learning for smile detection, emotion recognition and gender
    classification, 2018), cut down to a Raspberry Pi.
    """
    layers = keras().layers
    stack = []
    for filters in (16, 32, 64):
        for _ in range(2):
            stack += [
                layers.Conv2D(filters, 3, padding="same", use_bias=False),
                _norm(),
                layers.Activation("relu"),
            ]
        stack.append(layers.MaxPooling2D())
    return _sequential(
        size,
        *stack,
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
    )


def small_cnn(size: tuple[int, int]) -> Any:
    """Three 3×3 convolutions with max pooling and a dense layer of 64: the plain beginner's CNN.

    Source: the pattern of the Keras documentation's simple image classifier.
    """
    layers = keras().layers
    stack = []
    for filters in (16, 32, 64):
        stack += [
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
        ]
    return _sequential(size, *stack, layers.Flatten(), layers.Dense(64, activation="relu"))


def gate_net(size: tuple[int, int], width: float = 1.0) -> Any:
    """Ours: a 3×3 stem, then eight depthwise separable blocks, the equal ones with a shortcut.

    After MobileNets (Howard et al., 2017; Sandler et al., 2018) and residual networks (He et
    al., 2016); sized for 48×48 crops and a tenth of a millisecond on one core.
    """
    layers = keras().layers
    inputs = keras().Input((*size, 1))

    def channels(count: int) -> int:
        return max(8, round(count * width / 8) * 8)

    x = layers.Conv2D(channels(32), 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.Activation("relu")(_norm()(x))
    for count, stride in (
        (48, 1),
        (64, 2),
        (64, 1),
        (64, 1),
        (96, 2),
        (96, 1),
        (96, 1),
        (128, 1),
    ):
        shortcut = x
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = _norm()(x)
        x = layers.Conv2D(channels(count), 1, use_bias=False)(x)
        x = _norm()(x)
        if shortcut.shape[-1] == x.shape[-1] and stride == 1:
            x = layers.Add()([x, shortcut])
        x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras().Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def gate_teacher(size: tuple[int, int]) -> Any:
    """Too large for a gate, made to teach ours: nine 3×3 convolutions in a residual network.

    After He et al., Deep residual learning for image recognition (2016); about 0.8 million
    parameters. Its opinion on the training faces softens their labels (`fit.opinions`).
    """
    layers = keras().layers
    inputs = keras().Input((*size, 1))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.Activation("relu")(_norm()(x))
    for count, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        shortcut = x
        for first in (True, False):
            x = layers.Conv2D(
                count, 3, strides=stride if first else 1, padding="same", use_bias=False
            )(x)
            x = _norm()(x)
            if first:
                x = layers.Activation("relu")(x)
        if stride > 1:
            shortcut = layers.AveragePooling2D()(shortcut)
            shortcut = layers.Conv2D(count, 1, use_bias=False)(shortcut)
        x = layers.Activation("relu")(layers.Add()([x, shortcut]))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3)(x)
    return keras().Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def eye_net(size: tuple[int, int]) -> Any:
    """For eyes of 24×24: three 3×3 convolutions that halve the picture, and a small dense layer.

    About 25,000 parameters and 0.8 million multiplications an eye; the pattern of `deep_cnn`.
    """
    layers = keras().layers
    stack = []
    for filters, stride in ((16, 1), (24, 2), (32, 2)):
        stack += [
            layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
        ]
    return _sequential(
        size,
        *stack,
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
    )


def _norm() -> Any:
    """Return a batch norm whose running statistics keep up with a short training."""
    return keras().layers.BatchNormalization(momentum=0.9)


def _sequential(size: tuple[int, int], *stack: Any) -> Any:
    """Return a model of the layers with one sigmoid unit behind them."""
    kit = keras()
    end = kit.layers.Dense(1, activation="sigmoid")
    return kit.Sequential([kit.Input((*size, 1)), *stack, end])


def _entry(
    name: str, size: tuple[int, int], build: Callable[[tuple[int, int]], Any]
) -> Architecture:
    return Architecture(name, size, build, (build.__doc__ or name).splitlines()[0])


REGISTRY = {
    entry.name: entry
    for entry in (
        _entry("lenet5-modified", (32, 32), lenet5_modified),
        _entry("lenet", (28, 28), lenet),
        _entry("happy-house", (64, 64), happy_house),
        _entry("deep-cnn", (48, 48), deep_cnn),
        _entry("small-cnn", (48, 48), small_cnn),
        _entry("gate-net", (48, 48), gate_net),
        _entry("eye-net", (24, 24), eye_net),
        _entry("gate-teacher", (48, 48), gate_teacher),
    )
}


def named(name: str) -> Architecture:
    """Return an architecture by name; raise `ModelError` that lists the names there are."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise ModelError(f"no architecture {name!r}; there are {', '.join(REGISTRY)}") from None
