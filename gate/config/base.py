"""What all sections of the settings share, and what is said of each setting at its field."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=3600)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pin = Annotated[int, Field(ge=0, le=27)]
"""A line of the Pi's 40-pin header by its GPIO (Broadcom) number."""
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,31}$")]


class Applied(StrEnum):
    """How a changed setting takes effect in a running gate."""

    NOW = "now"
    PIPELINE = "pipeline"
    """By a new pipeline: the gate forgets the guest it was looking at."""
    CAMERA = "camera"
    """By opening the camera anew."""
    RESTART = "restart"
    """By a restart only: it is claimed once, at the start. A reload refuses it."""


class Section(BaseModel):
    """What all sections share: no unknown keys, no silent conversions, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def setting(
    default: Any,
    description: str,
    *,
    applied: Applied | None = None,
    unit: str = "",
    change: str = "",
    example: str = "",
    **limits: Any,
) -> Any:
    """Declare a setting: everything that is said of it, once, at its field.

    ``default`` is ``...`` where the file must give the value. ``description`` and ``change`` (when
    to change it) are sentences without capital and full stop; `gate.config.generate` puts them
    together. ``example`` is a value as YAML. ``applied`` is None for a part of a setting, such as
    the pin of a lamp: it is applied as the whole is. ``limits`` are pydantic's: ``ge=1``.
    """
    said = {"unit": unit, "applied": applied, "change": change, "example": example}
    return Field(
        default,
        description=description,
        json_schema_extra={name: text for name, text in said.items() if text},
        **limits,
    )
