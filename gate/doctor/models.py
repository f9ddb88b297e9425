"""Tests of the models and of OpenCV's cascades: whether they are there, fit, and run."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from gate.core.rules import EyeMethod
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, failed, ok
from gate.errors import ModelError
from gate.system import resources
from gate.vision import cascades
from gate.vision.classifier import EYES, TFLiteClassifier
from gate.vision.trial import try_model


def model(patient: Patient) -> Iterator[Finding]:
    """The smile model and the eye model: file, card, and one crop scored by each."""
    config = patient.config
    paths = {"smile": config.smile.model}
    if config.eyes.method is not EyeMethod.HAAR:
        paths["eyes"] = resources.path(EYES)
    for name, path in paths.items():
        try:
            if path is not None:
                try_model(path)
            with TFLiteClassifier(path) as classifier:
                begun = time.thread_time()
                classifier.score([np.full(classifier.size, 128, np.uint8)])
                spent = (time.thread_time() - begun) * 1000
                card = classifier.card
                yield ok(
                    f"{name}: {card.name}, threshold {card.threshold:.2f}, {spent:.1f} ms a face"
                )
        except ModelError as error:
            yield failed(error)


def haar_cascades(patient: Patient) -> Iterator[Finding]:
    """OpenCV's cascade files."""
    try:
        for name in (cascades.FACE, cascades.SECOND, cascades.EYES):
            cascades.load(name)
    except ModelError as error:
        seen, _, remedy = str(error).partition(": ")
        yield fail(seen, remedy)
    else:
        yield ok(f"all three load, OpenCV {cv2.__version__}")
