"""Settings of the camera and of what is seen: faces, light, smile, eyes, life."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gate.config.base import Applied, Fraction, Seconds, Section, setting
from gate.core.rules import EyeMethod, LivenessMode
from gate.system.credentials import holds_secret


class CameraSettings(Section):
    """Where the pictures come from."""

    source: str | int = setting(
        "picamera",
        "the camera: picamera, 0 or /dev/video0 (USB), a name that stays such as"
        " /dev/v4l/by-id/usb-…-video-index0, rtsp://…, a video file, a folder of"
        " pictures; a password never stands here: rtsp://gate:${CAMERA_PASSWORD}@10.0.0.7/live"
        " takes it from a systemd credential or the environment",
        applied=Applied.CAMERA,
    )
    width: int = setting(
        640,
        "width of a picture",
        unit="px",
        applied=Applied.CAMERA,
        change="larger pictures cost more and find faces farther away",
        ge=160,
        le=4096,
    )
    height: int = setting(
        480, "height of a picture", unit="px", applied=Applied.CAMERA, ge=120, le=4096
    )
    fps: float = setting(
        15,
        "pictures a second to ask for",
        unit="pictures a second",
        applied=Applied.CAMERA,
        change="lower it where the board does not keep up",
        ge=0.1,
        le=120,
    )
    flicker_hz: Literal[50, 60] | None = setting(
        50,
        "frequency of the mains that feeds the lamps: the camera is asked for exposures without"
        " bands; null: it does as it likes",
        unit="Hz",
        applied=Applied.CAMERA,
        change="choose 60 in the Americas and parts of Asia",
    )
    rotate: Literal[0, 90, 180, 270] = setting(
        0,
        "degrees clockwise by which the picture is turned",
        unit="degrees",
        applied=Applied.PIPELINE,
        change="for a camera that is mounted on its side or upside down",
    )
    mirror: bool = setting(
        False,
        "the picture is mirrored",
        applied=Applied.PIPELINE,
        change="set it where the picture is the wrong way round",
    )
    loop: bool = setting(
        False,
        "a video file begins again at its end",
        applied=Applied.CAMERA,
        change="set it for trials only",
    )
    stale_after_s: Seconds = setting(
        2.0,
        "no new picture for this long is a fault; at least two pictures' time at fps",
        unit="s",
        applied=Applied.NOW,
        change="raise it for a network camera that stutters",
    )
    stuck_after_s: float = setting(
        15.0,
        "a camera whose driver has not returned for this long is opened anew",
        unit="s",
        applied=Applied.CAMERA,
        change="longer than the camera takes to start",
        ge=1,
        le=3600,
    )
    retry_first_s: float = setting(
        0.5,
        "a lost camera is opened again after this long, then after twice as long …",
        unit="s",
        applied=Applied.CAMERA,
        ge=0.01,
        le=3600,
    )
    retry_max_s: Seconds = setting(
        30.0,
        "… up to this; at least retry_first_s",
        unit="s",
        applied=Applied.CAMERA,
        validate_default=True,
    )

    @field_validator("source")
    @classmethod
    def _no_password(cls, value: str | int) -> str | int:
        if value == "":
            raise ValueError("is empty; write picamera, 0 for the first USB camera, or a path")
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

    min_height: float = setting(
        0.1,
        "smallest face that counts, as a fraction of the picture's height",
        applied=Applied.PIPELINE,
        change="raise it to keep people far behind the guest out",
        ge=0.03,
        le=1,
    )
    region: tuple[Fraction, Fraction, Fraction, Fraction] = setting(
        (0.0, 0.0, 1.0, 1.0),
        "the part of the picture that counts: left, top, width, height, as fractions",
        applied=Applied.PIPELINE,
        change="narrow it where a neighbouring lane is in the picture",
    )
    similar: float = setting(
        0.6,
        "a second face counts from this fraction of the guest's width on",
        applied=Applied.PIPELINE,
        change="raise it where the queue stands close behind the guest",
        gt=0,
        le=1,
    )
    acquire_s: float = setting(
        0.5,
        "a new face is found within this time",
        unit="s",
        applied=Applied.PIPELINE,
        change="lower costs more in a busy scene",
        gt=0,
        le=10,
    )
    lost_s: float = setting(
        1.0,
        "a guest whose face is gone for this long has left; at least two pictures' time at"
        " camera.fps",
        unit="s",
        applied=Applied.NOW,
        gt=0,
        le=60,
    )

    @field_validator("region")
    @classmethod
    def _inside_the_picture(
        cls, value: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        left, top, width, height = value
        if not (width > 0 and height > 0 and left + width <= 1 and top + height <= 1):
            raise ValueError(
                "must be [left, top, width, height] in fractions, inside the picture:"
                " left and width, top and height together at most 1"
            )
        return value


class LightSettings(Section):
    """How dark and how bright a face may be: its mean gray level, 0–255."""

    darkest: float = setting(
        14.0,
        "below this mean gray level a face is too dark to judge",
        unit="gray level",
        applied=Applied.PIPELINE,
        change="change it only if the log says too_dark of faces that you can see well",
        ge=0,
        le=255,
    )
    brightest: float = setting(
        248.0,
        "above this mean gray level a face is too bright to judge; more than darkest",
        unit="gray level",
        applied=Applied.PIPELINE,
        change="change it only if the log says too_bright of faces that you can see well",
        ge=0,
        le=255,
        validate_default=True,
    )

    @field_validator("brightest")
    @classmethod
    def _above_the_darkest(cls, value: float, info: ValidationInfo) -> float:
        darkest = info.data.get("darkest")
        if darkest is not None and value <= darkest:
            raise ValueError(f"must be above darkest ({darkest:g})")
        return value


class SmileSettings(Section):
    """What counts as a smile, and how long it must last."""

    model: Path | None = setting(
        None,
        "a .tflite file with its .json card beside it; null is the one shipped",
        applied=Applied.PIPELINE,
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = setting(
        None,
        "a score from here on is a smile; null is the model card's",
        applied=Applied.NOW,
        change="raise it if the gate opens too easily",
    )
    frames: int = setting(
        8,
        "this many smiling pictures open the gate",
        unit="pictures",
        applied=Applied.NOW,
        change="more is stricter and slower",
        ge=1,
        le=600,
    )
    missed_frames: int = setting(
        3,
        "so many pictures may miss (a blink) before the count starts anew",
        unit="pictures",
        applied=Applied.NOW,
        ge=0,
        le=60,
    )


class EyesOpen(StrEnum):
    """How many eyes must be open."""

    BOTH = "both"
    ONE = "one"


class EyesSettings(Section):
    """Whether and how the eyes are asked for."""

    required: bool = setting(
        True,
        "a guest's eyes must be open",
        applied=Applied.NOW,
        change="set it to false for a ride that does not ask for open eyes",
    )
    open: EyesOpen = setting(
        EyesOpen.BOTH,
        "how many eyes must be open",
        applied=Applied.NOW,
        change="choose one for guests with one eye",
    )
    method: EyeMethod = setting(
        EyeMethod.BOTH,
        "what judges the eyes: haar (OpenCV's cascade), model, or both: the model, and the cascade"
        " where that is not sure",
        applied=Applied.PIPELINE,
    )


class LivenessSettings(Section):
    """Whether a still picture of a smile is kept out."""

    mode: LivenessMode = setting(
        LivenessMode.OFF,
        "sign of life: off, neutral_first (seen without a smile before), blink, or both",
        applied=Applied.PIPELINE,
        change="choose one to keep still pictures out; a video on a tablet is not kept out",
    )
