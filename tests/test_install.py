"""The installer's words and the unit's promises; `make rig` runs both under a real systemd."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parent.parent / "systemd"
SCRIPTS = ("install.sh", "uninstall.sh")


def settings(name: str) -> dict[str, list[str]]:
    """The settings of a unit file, each with its values in their order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


UNIT = settings("smile-gate.service")


def call(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SYSTEMD / script, *options], capture_output=True, text=True, check=False, cwd="/"
    )


def test_the_lines_are_safe_before_and_after_every_run() -> None:
    """Both ends of a run put the lines into their safe position."""
    for key in ("ExecStartPre", "ExecStopPost"):
        assert any(" safe-state " in command for command in UNIT[key]), key


def test_the_unit_leaves_the_guard_its_memory_and_the_lines_their_record() -> None:
    """The guard may be locked in memory, and what is in force outlives a restart."""
    assert UNIT["LimitMEMLOCK"] == ["64M"]
    assert UNIT["RuntimeDirectoryPreserve"] == ["restart"]
    assert "KillMode" not in UNIT  # all of it gets the signals, and systemd waits for the guard


def test_the_unit_allows_only_cameras_and_pins() -> None:
    """No other device can be opened, whatever its file's rights are."""
    assert UNIT["DevicePolicy"] == ["closed"]
    kinds = {value.split()[0] for value in UNIT["DeviceAllow"]}
    assert kinds == {"char-video4linux", "char-media", "char-dma_heap", "char-gpiochip"}


def test_the_unit_has_no_network() -> None:
    """The gate works without a network, does not wait for one, and has none."""
    assert UNIT["PrivateNetwork"] == ["yes"]
    assert UNIT["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert UNIT["IPAddressDeny"] == ["any"]
    assert "Wants" not in UNIT
    assert UNIT["After"] == ["time-sync.target"]


def test_the_unit_leaves_who_is_at_the_socket_visible() -> None:
    """User namespaces and a hidden /proc would break peer names and the Pi's revision."""
    assert "PrivateUsers" not in UNIT
    assert "ProcSubset" not in UNIT


def test_restarts_are_limited_and_a_hang_ends() -> None:
    """A hang ends by the watchdog, and ten bad starts end the tries."""
    assert UNIT["WatchdogSec"] == ["10"]
    assert UNIT["Restart"] == ["always"]
    assert UNIT["StartLimitBurst"] == ["10"]


def test_a_crash_leaves_no_picture_behind() -> None:
    """A memory dump would hold a guest's face."""
    assert UNIT["LimitCORE"] == ["0"]


@pytest.mark.parametrize("name", ["network-camera.conf", "metrics.conf"])
def test_a_drop_in_with_network_names_its_addresses(name: str) -> None:
    """What opens the network says to whom; the unit still denies the rest."""
    opened = settings(name)
    assert opened["PrivateNetwork"] == ["no"]
    assert opened["IPAddressAllow"]
    assert "IPAddressDeny" not in opened


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_an_example(script: str) -> None:
    """--help works without root, and shows how the script is called."""
    said = call(script, "--help")
    assert said.returncode == 0
    assert "Example: sudo ./systemd/" in said.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_changes_nothing(script: str) -> None:
    """A slip of the pen is one line and exit code 2."""
    said = call(script, "--purg")
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1


def test_a_dry_run_says_what_would_be_done(tmp_path: Path) -> None:
    """--dry-run names what it would do and creates nothing, with or without root."""
    prefix = tmp_path / "opt"
    said = call("install.sh", "--dry-run", "--prefix", str(prefix))
    assert f"{prefix}/releases/" in said.stdout
    assert "smile-gate.service" in said.stdout
    assert "nothing was done" in said.stdout + said.stderr
    assert not prefix.exists()


def test_on_a_pi_the_systems_packages_are_used(tmp_path: Path) -> None:
    """Camera and pin libraries come from Raspberry Pi OS."""
    said = call("install.sh", "--dry-run", "--pi", "--prefix", str(tmp_path / "opt"))
    assert "python3-picamera2 python3-lgpio python3-venv" in said.stdout


def test_uninstall_keeps_log_and_settings_unless_it_purges() -> None:
    """Without --purge neither folder is among what would go."""
    kept = ("/etc/smile-gate", "/var/lib/smile-gate")
    plain = call("uninstall.sh", "--dry-run").stdout.split()
    purge = call("uninstall.sh", "--dry-run", "--purge").stdout.split()
    assert not set(kept) & set(plain)
    assert set(kept) <= set(purge)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    """The scripts are clean, where Debian's shellcheck is installed."""
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck: apt install shellcheck")
    said = subprocess.run(
        ["shellcheck", "--exclude=SC1091", SYSTEMD / script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == ""


def test_the_self_check_imports_what_exists() -> None:
    """A module that moves takes the installer's own Python along."""
    script = (SYSTEMD / "install.sh").read_text()
    lines = re.findall(r"^from (gate\.[\w.]+) import (.+)$", script, re.MULTILINE)
    assert lines
    for module, names in lines:
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
