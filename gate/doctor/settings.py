"""Test of the settings: mistakes, and values that are for trials only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gate.config import Config
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, ok, warn

AS_ROOT = "sudo smile-gate doctor, or join the file's group"


def settings(patient: Patient) -> Iterator[Finding]:
    """Whether the file is valid, and whether it is for trials only."""
    for mistake in patient.mistakes:
        advice = f"correct it; then smile-gate check --config {patient.path}"
        yield fail(mistake, AS_ROOT if "Permission denied" in mistake else advice)
    if patient.mistakes:
        return
    config = patient.config
    source = config.camera.source
    troubles = []
    if isinstance(source, str) and Path(source).is_absolute() and not source.startswith("/dev/"):
        troubles.append(
            warn(f"camera.source is a recording: {source}", "for a real gate: picamera, or 0")
        )
    if patient.status and patient.path is not None:
        in_force = patient.status["settings"]["digest"]
        if in_force != config.digest():
            troubles.append(
                warn(
                    f"the running gate has other settings than {patient.path}",
                    "smile-gate reload",
                )
            )
    yield from troubles
    if not troubles:
        yield ok(f"{patient.path or 'the built-in defaults'}: {_changed(config)}")


def _changed(config: Config) -> str:
    mine, defaults = config.model_dump(mode="json"), Config().model_dump(mode="json")
    count = 0
    for section, entries in mine.items():
        if isinstance(entries, dict):
            count += sum(value != defaults[section][name] for name, value in entries.items())
        else:
            count += entries != defaults[section]
    return f"valid, {count} settings differ from the defaults"
