"""What all sections of the settings share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=3600)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pin = Annotated[int, Field(ge=0, le=27)]
"""A line of the Pi's 40-pin header by its GPIO (Broadcom) number."""
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,31}$")]


class Section(BaseModel):
    """What all sections share: no unknown keys, no silent conversions, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
