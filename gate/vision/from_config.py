"""The models and the pipeline as the settings have them."""

from __future__ import annotations

from gate.config import Config
from gate.core.rules import EyeMethod
from gate.errors import ModelError
from gate.system import resources
from gate.vision.classifier import EYES, TFLiteClassifier
from gate.vision.eyes import EyeRules
from gate.vision.light import LightLimits
from gate.vision.liveness import LivenessRules
from gate.vision.pipeline import Pipeline, PipelineSettings
from gate.vision.trial import try_model
from gate.vision.view import Mounting


def open_model(config: Config) -> TFLiteClassifier:
    """The smile model: the configured one once its trial is passed, or the one that is shipped."""
    path = config.smile.model
    if path is None:
        return TFLiteClassifier()
    passed = try_model(path)
    model = TFLiteClassifier(path)
    if model.card.sha256 != passed:
        model.close()
        raise ModelError(f"{path}: was replaced during its trial; try again")
    return model


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
