"""The settings of the last run, in a file beside the log: ``audit.settings.json``.

The audit log has a digest of the settings for each event. To say what a change by hand and a
restart did, the settings themselves are kept.
"""

from __future__ import annotations

from pathlib import Path

from gate.audit import sidecar
from gate.config import Config
from gate.config.changes import Change, changed, flat

_NAME = "settings"


def keep(log_file: Path, config: Config) -> None:
    """Write the settings beside the log."""
    sidecar.write(log_file, _NAME, {"digest": config.digest(), "settings": flat(config)})


def since(log_file: Path, digest: str, config: Config) -> tuple[Change, ...]:
    """What is another than in the settings of this digest; nothing where those were not kept."""
    kept = sidecar.read(log_file, _NAME) or {}
    settings = kept.get("settings")
    if kept.get("digest") != digest or not isinstance(settings, dict):
        return ()
    return changed(settings, flat(config))
