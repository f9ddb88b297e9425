"""The rights of the service's user, by mode bits and by the unit's sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gate.doctor.facts import Person, myself
from gate.doctor.finding import Grade
from gate.doctor.rights import ENTER, READ, WRITE, may
from tests.doctor.patients import LOADED, config, patient, texts, verdicts

OK, WARN, FAIL = Grade.OK, Grade.WARN, Grade.FAIL
STRANGER = Person("smile-gate", 12345, frozenset({12345}))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A state folder that strangers reach: pytest's own folders are private."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    state = tmp_path / "state"
    state.mkdir()
    return state


@pytest.mark.parametrize(
    ("mode", "person", "allowed"),
    [
        (0o600, STRANGER, False),
        (0o604, STRANGER, True),
        (0o640, Person("x", 12345, frozenset({os.getegid()})), True),
        (0o604, Person("x", 12345, frozenset({os.getegid()})), False),
        (0o000, Person("root", 0, frozenset()), True),
    ],
)
def test_the_mode_bits(place: Path, mode: int, person: Person, allowed: bool) -> None:
    """The group's bits count for its members even where everybody has more."""
    file = place / "file"
    file.touch()
    file.chmod(mode)
    assert may(person, file, READ) is allowed


def test_a_folder_on_the_way_can_be_in_the_way(place: Path) -> None:
    """A readable file in a private folder can't be read."""
    file = place / "file"
    file.touch(0o644)
    assert may(STRANGER, file, READ)
    place.chmod(0o700)
    assert not may(STRANGER, file, READ)
    assert not may(STRANGER, place / "none", READ)
    assert may(myself(), place, READ | WRITE | ENTER)


def test_a_log_that_root_made(place: Path) -> None:
    """The most usual trouble: a command run with sudo left a file that the service can't write."""
    place.chmod(0o777)
    (place / "audit.db").touch()
    (place / "audit.db").chmod(0o644)
    who = patient(config(store={"path": place / "audit.db"}), service_user=STRANGER)
    assert verdicts("rights", who) == [FAIL]
    assert f"sudo chown -R smile-gate: {place}" in texts("rights", who)
    (place / "audit.db").chmod(0o666)
    assert verdicts("rights", who) == [OK]


def test_settings_that_the_service_cannot_read(place: Path) -> None:
    """The advice names the file and the group."""
    place.chmod(0o777)
    path = place / "gate.yaml"
    path.touch()
    path.chmod(0o600)
    values = config(store={"path": place / "audit.db"})
    who = patient(values, path=path, service_user=STRANGER)
    assert f"sudo chgrp smile-gate {path}" in texts("rights", who)


def test_a_user_outside_of_the_devices_group(place: Path, tmp_path: Path) -> None:
    """The group to join is the one that the device has."""
    place.chmod(0o777)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "gpiochip0").touch()
    (tmp_path / "dev" / "gpiochip0").chmod(0o660)
    values = config(relay={"pin_factory": "lgpio"}, store={"path": place / "audit.db"})
    who = patient(values, service_user=STRANGER, root=tmp_path)
    assert verdicts("rights", who) == [FAIL]
    assert "may not use /dev/gpiochip0" in texts("rights", who)


def test_a_service_without_its_user(place: Path) -> None:
    """Half an installation is said to be one."""
    who = patient(config(store={"path": place / "audit.db"}), unit=LOADED)
    assert verdicts("rights", who) == [FAIL]
    assert "install.sh" in texts("rights", who)


def test_what_the_sandbox_hides(place: Path) -> None:
    """A model under /home and a log outside of the state folder work by hand, not as a service."""
    place.chmod(0o777)
    values = config(smile={"model": "/home/pi/smile.tflite"}, store={"path": place / "audit.db"})
    said = texts("rights", patient(values, unit=LOADED, service_user=myself()))
    assert "smile.model is /home/pi/smile.tflite: the service can't see home folders" in said
    assert f"ReadWritePaths={place}" in said
    opened = LOADED | {"ReadWritePaths": f"-{place}", "ProtectHome": "no"}
    values = config(store={"path": place / "audit.db"})
    assert verdicts("rights", patient(values, unit=opened, service_user=myself())) == [OK]


def test_a_state_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """Systemd makes it; doctor does not."""
    who = patient(config(store={"path": tmp_path / "none" / "audit.db"}), service_user=myself())
    assert verdicts("rights", who) == [WARN]
    assert not (tmp_path / "none").exists()


def test_a_camera_on_a_network_that_the_service_does_not_have(place: Path) -> None:
    """Doctor by hand would see it: the service would not."""
    place.chmod(0o777)
    values = config(camera={"source": "rtsp://10.0.0.9/stream"}, store={"path": place / "audit.db"})
    unit = LOADED | {"ReadWritePaths": str(place), "PrivateNetwork": "yes"}
    who = patient(values, unit=unit, service_user=myself())
    assert verdicts("rights", who) == [FAIL]
    assert "network-camera.conf" in texts("rights", who)
    opened = patient(values, unit=unit | {"PrivateNetwork": "no"}, service_user=myself())
    assert verdicts("rights", opened) == [OK]
