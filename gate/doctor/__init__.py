"""Tests every part of a gate on the spot and says how to mend it; disturbs no gate that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gate.doctor import camera, face, log, machine, models, rights, service, settings, wiring
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, skipped

Check = Callable[[Patient], Iterator[Finding]]
"""Tests one part: gives one finding if all is well, else one for each trouble."""

CHECKS: dict[str, Check] = {
    "settings": settings.settings,
    "camera": camera.camera,
    "face": face.face,
    "model": models.model,
    "cascades": models.haar_cascades,
    "gpio": wiring.gpio,
    "relay": wiring.relay,
    "inputs": wiring.inputs,
    "log": log.log,
    "disk": machine.disk,
    "clock": machine.clock,
    "memory": machine.memory,
    "power": machine.power,
    "rights": rights.rights,
    "unit": service.unit,
    "gate": service.gate,
}
"""Every part that is tested, in the order in which they are mended."""


WITHOUT_SETTINGS = {"settings", "cascades", "memory", "power", "unit", "gate"}
"""Parts that can be tested although the settings have mistakes."""


def examine(patient: Patient, part: str) -> list[Finding]:
    """Test one part. A check that fails itself is a finding, and the others go on."""
    if patient.mistakes and part not in WITHOUT_SETTINGS:
        return [skipped("the settings have mistakes")]
    try:
        return list(CHECKS[part](patient))
    except Exception as error:  # drivers raise what they like
        return [fail(f"{type(error).__name__}: {error}", "please report this with `--json`")]
