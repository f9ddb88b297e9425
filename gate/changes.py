"""What differs between two settings, and what the last run's were.

The audit log has a digest of the settings for each event. To say what a change by hand and a
restart did, the settings themselves are kept in a file beside the log: ``audit.settings.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate import beside
from gate.credentials import masked
from gate.settings import Config
from gate.yamlfile import plain

_NAME = "settings"


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
    return _differ(_flat(old), _flat(new))


def keep(log_file: Path, config: Config) -> None:
    """Write the settings beside the log."""
    beside.write(log_file, _NAME, {"digest": config.digest(), "settings": _flat(config)})


def since(log_file: Path, digest: str, config: Config) -> tuple[Change, ...]:
    """What is another than in the settings of this digest; nothing where those were not kept."""
    kept = beside.read(log_file, _NAME) or {}
    settings = kept.get("settings")
    if kept.get("digest") != digest or not isinstance(settings, dict):
        return ()
    return _differ(settings, _flat(config))


def _differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(name, _shown(before.get(name)), _shown(after.get(name)))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _flat(config: Config) -> dict[str, Any]:
    """``{"relay": {"pin": 17}}`` → ``{"relay.pin": 17}``."""
    return {
        name if entry is None else f"{name}.{entry}": value
        for name, section in config.model_dump(mode="json").items()
        for entry, value in (section.items() if isinstance(section, dict) else [(None, section)])
    }


def _shown(value: Any) -> str:
    return masked(plain(value))
