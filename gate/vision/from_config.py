"""The models and the pipeline as the settings have them."""

from __future__ import annotations

from gate.config import Config
from gate.core.rules import EyeMethod
from gate.system import resources
from gate.vision.classifier import TFLiteClassifier
from gate.vision.eyes import EyeRules
from gate.vision.light import LightLimits
from gate.vision.liveness import LivenessRules
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.view import Mounting

EYES = "models/eyes.tflite"
"""The shipped eye-state model."""


def open_model(config: Config) -> TFLiteClassifier:
    """The smile model: the configured one, or the one that is shipped."""
    return TFLiteClassifier(config.smile.model)


def open_mounting(config: Config) -> Mounting:
    """The rotation and mirroring of the camera."""
    return Mounting(rotate=config.camera.rotate, mirror=config.camera.mirror)


def open_pipeline(config: Config, smile: TFLiteClassifier) -> Pipeline:
    """The pipeline from a frame to an observation, with the models that the settings name."""
    settings = PipelineSettings(
        min_height=config.face.min_height,
        region=config.face.region,
        similar=config.face.similar,
        acquire_s=config.face.acquire_s,
        light=LightLimits(darkest=config.light.darkest, brightest=config.light.brightest),
        mounting=open_mounting(config),
        eyes=EyeRules(method=config.eyes.method),
        liveness=LivenessRules(mode=config.liveness.mode),
    )
    asked = config.eyes.method is not EyeMethod.HAAR
    eyes = TFLiteClassifier(resources.path(EYES)) if asked else None
    return Pipeline(settings, smile, eyes)
