"""The settings of the last run, in a file beside the log: ``audit.settings.json``.

The audit log has a digest of the settings for each event. To say what a change by hand and a
restart did, the settings themselves are kept; and a gate whose file was damaged after a good start
goes on with them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from gate.audit import sidecar
from gate.config import Config
from gate.config.changes import Change, changed, flat
from gate.config.load import restored

log = logging.getLogger(__name__)

_NAME = "settings"
STATE = Path("/var/lib/smile-gate")
"""The service's folder, where the service manager does not name one."""


def keep(log_file: Path, config: Config, file: Path | None) -> None:
    """Write the settings beside the log, and which file they are from."""
    content = {"digest": config.digest(), "settings": flat(config)}
    try:
        if file is not None:
            content["file"] = str(file.resolve())
        places = [*_places(log_file)]
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError
        log.warning("the settings in force are not kept: %s", error)
        return
    for place in places:
        sidecar.write(place, _NAME, content)


def since(log_file: Path, digest: str, config: Config) -> tuple[Change, ...]:
    """What is another than in the settings of this digest; nothing where those were not kept."""
    kept = sidecar.read(log_file, _NAME) or {}
    settings = kept.get("settings")
    if kept.get("digest") != digest or not isinstance(settings, dict):
        return ()
    return changed(settings, flat(config))


def last_of(file: Path) -> Config | None:
    """The settings with which a gate ran last from this file; None where they were not kept.

    Where the log is, only the file itself could say: they are looked for in the service's folder
    and beside the file.
    """
    for place in _kept_near(file.resolve()):
        kept = sidecar.read_file(place) or {}
        try:
            if kept.get("file") == str(file.resolve()):
                return restored(kept["settings"])
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
            log.warning("%s: cannot be used: %s", place, error)
    return None


def _places(log_file: Path) -> Iterator[Path]:
    """Beside the log, and in the service's folder: there they are found without the file."""
    yield log_file
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state and Path(state).resolve() != log_file.parent.resolve():
        yield Path(state) / log_file.name


def _kept_near(file: Path) -> Iterator[Path]:
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    for folder in (Path(state) if state else STATE, file.parent):
        yield from sorted(folder.glob(f"*.{_NAME}.json"))
