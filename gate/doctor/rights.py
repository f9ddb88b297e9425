"""Test of the rights of the service's user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gate.config import Config, PinFactory
from gate.doctor.facts import Patient, Person, group, myself
from gate.doctor.finding import Finding, fail, ok, warn

READ, WRITE, ENTER = 4, 2, 1
STATE = Path("/var/lib/smile-gate")
"""``StateDirectory=`` of the service."""
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""Folders that ``ProtectHome=`` hides from a service (systemd.exec(5))."""


def rights(patient: Patient) -> Iterator[Finding]:
    """Rights of the gate's user to settings, log, model and devices; paths that systemd hides."""
    person = patient.service_user
    if person is None and patient.installed:
        yield fail(
            "the service's user does not exist",
            "sudo ./systemd/install.sh, or sudo useradd --system --groups video,gpio smile-gate",
        )
        return
    person = person or myself()
    troubles = [
        *_files(patient, person),
        *_devices(patient, person),
        *_hidden(patient),
    ]
    yield from troubles
    if not troubles:
        yield ok(f"{person.name} may read the settings, write the log and use the devices")


def _files(patient: Patient, person: Person) -> Iterator[Finding]:
    config = patient.config
    if patient.path is not None and not may(person, patient.path, READ):
        yield fail(
            f"{person.name} may not read {patient.path}",
            f"sudo chgrp {person.name} {patient.path}; sudo chmod 640 {patient.path}",
        )
    model = config.smile.model
    if model is not None and os.path.exists(model) and not may(person, model, READ):
        yield fail(
            f"{person.name} may not read {model}",
            f"sudo chmod a+r {model}, and a+x on its folders",
        )
    path = config.store.path
    folder = path.parent
    if not os.path.isdir(folder):
        yield warn(
            f"the log's folder {folder} does not exist yet",
            "the service makes it at its start"
            if folder == STATE
            else f"sudo install -d -o {person.name} {folder}",
        )
        return
    log = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    for one in (folder, *(file for file in log if os.path.exists(file))):
        if not may(person, one, READ | WRITE | (ENTER if one is folder else 0)):
            yield fail(
                f"{person.name} may not write {one}",
                f"sudo chown -R {person.name}: {folder}",
            )
    backup = config.store.backup_to
    if backup is not None and not may(person, backup, READ | WRITE | ENTER):
        yield fail(
            f"{person.name} may not write backups into {backup}",
            f"sudo install -d -o {person.name} {backup}; is the medium mounted?",
        )


def _devices(patient: Patient, person: Person) -> Iterator[Finding]:
    """Device files of camera and pins that may not be used; missing ones are for other checks."""
    wanted = []
    if patient.config.relay.pin_factory is not PinFactory.MOCK:
        wanted.append("gpiochip*")
    source = str(patient.config.camera.source)
    if source == "picamera":
        wanted += ["media*", "video*"]
    elif source.isdigit():
        wanted.append(f"video{source}")
    elif source.startswith("/dev/"):
        wanted.append(source.removeprefix("/dev/"))
    missing: dict[str, str] = {}
    for pattern in wanted:
        for device in sorted((patient.root / "dev").glob(pattern)):
            if not may(person, device, READ | WRITE):
                missing.setdefault(group(device.stat().st_gid), device.name)
    for name, device_name in missing.items():
        yield fail(
            f"{person.name} may not use /dev/{device_name}, which is for the group {name}",
            f"sudo usermod -aG {name} {person.name}; sudo systemctl restart smile-gate"
            if name != "root"
            else "its udev rule is missing: Raspberry Pi OS gives gpiochip* to the group gpio",
        )


def _hidden(patient: Patient) -> Iterator[Finding]:
    """Paths of the settings that the unit's sandbox hides or makes read-only."""
    if not patient.installed or patient.unit is None:
        return
    unit = patient.unit
    for name, path in _paths(patient.config).items():
        if unit.get("ProtectHome") == "yes" and any(path.is_relative_to(home) for home in HOMES):
            yield fail(
                f"{name} is {path}: the service can't see home folders",
                "move it to /etc/smile-gate or /var/lib/smile-gate",
            )
    if "://" in str(patient.config.camera.source) and unit.get("PrivateNetwork") == "yes":
        yield fail(
            "camera.source is on the network, and the service has none",
            "the drop-in systemd/network-camera.conf gives it one; it says how",
        )
    if unit.get("ProtectSystem") != "strict":
        return
    writable = [Path("/var/lib") / one for one in unit.get("StateDirectory", "").split()]
    writable += [Path(one.lstrip("-+")) for one in unit.get("ReadWritePaths", "").split()]
    store = patient.config.store
    for name, folder in (("store.path", store.path.parent), ("store.backup_to", store.backup_to)):
        if folder is not None and not any(folder.is_relative_to(place) for place in writable):
            yield fail(
                f"{name}: the service may not write to {folder}",
                f"sudo systemctl edit smile-gate: [Service] ReadWritePaths={folder}",
            )


def _paths(config: Config) -> dict[str, Path]:
    found = {
        "smile.model": config.smile.model,
        "store.path": config.store.path,
        "store.backup_to": config.store.backup_to,
    }
    source = config.camera.source
    if isinstance(source, str) and source.startswith("/") and not source.startswith("/dev/"):
        found["camera.source"] = Path(source)
    return {name: path for name, path in found.items() if path is not None}


def may(person: Person, path: Path, wanted: int) -> bool:
    """Whether the mode bits of a path and its folders give a person these rights; root has all.

    Access lists are not looked at. False for a path that can't be reached.
    """
    if person.uid == 0:
        return os.path.exists(path)
    path = path.resolve()
    try:
        steps = [(folder, ENTER) for folder in path.parents] + [(path, wanted)]
        return all(_allows(person, step.stat(), right) for step, right in steps)
    except OSError:
        return False


def _allows(person: Person, found: os.stat_result, wanted: int) -> bool:
    """Whether the mode bits allow it: the owner's, or else the group's, or else everybody's."""
    mode = found.st_mode
    if found.st_uid == person.uid:
        mode >>= 6
    elif found.st_gid in person.groups:
        mode >>= 3
    return mode & wanted == wanted
