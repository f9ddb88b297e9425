"""Differences between two configurations, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.config import Config
from gate.config.yaml_file import plain
from gate.system.credentials import masked


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is another than before, both values as they may be shown."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        """One line of YAML's own words."""
        return f"{self.name}: {self.old} -> {self.new}"


def differences(old: Config, new: Config) -> tuple[Change, ...]:
    """Every setting that differs, by its name; passwords in addresses are masked."""
    return changed(flat(old), flat(new))


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What differs between two sets of named values; passwords in addresses are masked."""
    return tuple(
        Change(name, _shown(before.get(name)), _shown(after.get(name)))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def flat(config: Config) -> dict[str, Any]:
    """Every setting by its name: ``{"relay": {"pin": 17}}`` → ``{"relay.pin": 17}``."""
    return {
        name if entry is None else f"{name}.{entry}": value
        for name, section in config.model_dump(mode="json").items()
        for entry, value in (section.items() if isinstance(section, dict) else [(None, section)])
    }


def _shown(value: Any) -> str:
    return masked(plain(value))
