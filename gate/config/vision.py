"""Settings of the camera and of what is seen: faces, light, smile, eyes, life."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gate.config.base import Fraction, Seconds, Section
from gate.core.rules import EyeMethod, LivenessMode
from gate.system.credentials import holds_secret


class CameraSettings(Section):
    """Where the pictures come from."""

    source: str | int = "picamera"
    width: int = Field(640, ge=160, le=4096)
    height: int = Field(480, ge=120, le=4096)
    fps: float = Field(15, gt=0, le=120)
    rotate: Literal[0, 90, 180, 270] = 0
    mirror: bool = False
    loop: bool = False
    stale_after_s: Seconds = 2.0
    stuck_after_s: Seconds = 15.0
    retry_first_s: Seconds = 0.5
    retry_max_s: Seconds = 30.0

    @field_validator("source")
    @classmethod
    def _no_password(cls, value: str | int) -> str | int:
        if isinstance(value, str) and holds_secret(value):
            raise ValueError(
                "holds a password; write ${CAMERA_PASSWORD} in its place, and give the service"
                " LoadCredential=CAMERA_PASSWORD:FILE"
            )
        return value

    @field_validator("retry_max_s")
    @classmethod
    def _not_before_the_first(cls, value: float, info: ValidationInfo) -> float:
        first = info.data.get("retry_first_s")
        if first is not None and value < first:
            raise ValueError(f"must be at least retry_first_s ({first:g})")
        return value


class FaceSettings(Section):
    """Which face is the guest's."""

    min_height: float = Field(0.1, ge=0.03, le=1)
    region: tuple[Fraction, Fraction, Fraction, Fraction] = (0.0, 0.0, 1.0, 1.0)
    similar: Annotated[float, Field(gt=0, le=1)] = 0.6
    acquire_s: Seconds = 0.5
    lost_s: Seconds = 1.0

    @field_validator("region")
    @classmethod
    def _inside_the_picture(
        cls, value: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        left, top, width, height = value
        if not (width > 0 and height > 0 and left + width <= 1 and top + height <= 1):
            raise ValueError("must be [left, top, width, height] in fractions, inside the picture")
        return value


class LightSettings(Section):
    """Beyond these a face can't be judged; mean gray level of the face, 0–255."""

    darkest: Annotated[float, Field(ge=0, le=255)] = 14.0
    brightest: Annotated[float, Field(ge=0, le=255)] = 248.0

    @field_validator("brightest")
    @classmethod
    def _above_the_darkest(cls, value: float, info: ValidationInfo) -> float:
        darkest = info.data.get("darkest")
        if darkest is not None and value <= darkest:
            raise ValueError(f"must be above darkest ({darkest:g})")
        return value


class SmileSettings(Section):
    """What counts as a smile, and how long it must last."""

    model: Path | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    frames: int = Field(8, ge=1, le=600)
    missed_frames: int = Field(3, ge=0, le=60)


class EyesOpen(StrEnum):
    """How many eyes must be open."""

    BOTH = "both"
    ONE = "one"


class EyesSettings(Section):
    """Whether and how the eyes are asked for."""

    required: bool = True
    open: EyesOpen = EyesOpen.BOTH
    method: EyeMethod = EyeMethod.BOTH


class LivenessSettings(Section):
    """Whether a still picture of a smile is kept out."""

    mode: LivenessMode = LivenessMode.OFF
