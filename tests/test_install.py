"""The installer's words and the unit's promises; `make rig` runs both under a real systemd."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
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


def call(
    script: str, *options: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SYSTEMD / script, *options], capture_output=True, text=True, check=False, cwd="/", env=env
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


def test_what_the_gate_writes_is_its_own() -> None:
    """No group may read it: whoever reads the log can lock it, and operators have the socket."""
    assert UNIT["UMask"] == ["0077"]


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


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A prefix as install.sh leaves it, and somebody else's things in it."""
    prefix = tmp_path / "opt"
    for name in ("0.1.0-20260101-000000", "0.2.0-20260201-000000", "other-app"):
        (prefix / "releases" / name / "bin").mkdir(parents=True)
    (prefix / "current").symlink_to("releases/0.2.0-20260201-000000")
    (prefix / "bin").symlink_to("current/bin")
    (prefix / "notes.txt").write_text("somebody's own")
    (prefix / ".smile-gate-install").write_text(
        "# a comment\nrelease 0.1.0-20260101-000000\nrelease 0.2.0-20260201-000000\n"
        "link current\nlink bin\n"
    )
    return prefix


@pytest.fixture
def as_root(tmp_path: Path) -> dict[str, str]:
    """An environment in which the scripts believe to be root, and the system is left alone."""
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name, line in (("id", "echo 0"), ("systemctl", ""), ("userdel", ""), ("groupdel", "")):
        (stubs / name).write_text(f"#!/bin/sh\n{line}\n")
        (stubs / name).chmod(0o755)
    return os.environ | {"PATH": f"{stubs}:{os.environ['PATH']}"}


def test_uninstall_keeps_log_and_settings_unless_it_purges(installed: Path) -> None:
    """Without --purge neither folder is among what would go."""
    kept = ("/etc/smile-gate", "/var/lib/smile-gate")
    where = ("--dry-run", "--prefix", str(installed))
    plain = call("uninstall.sh", *where).stdout.split()
    purge = call("uninstall.sh", *where, "--purge").stdout.split()
    assert not set(kept) & set(plain)
    assert set(kept) <= set(purge)


def test_uninstall_removes_what_the_marker_lists_and_no_more(
    installed: Path, as_root: dict[str, str]
) -> None:
    """Somebody else's release and file stay where they are."""
    said = call("uninstall.sh", "--prefix", str(installed), env=as_root)
    assert said.returncode == 0, said.stderr
    assert "stays in" in said.stdout
    left = sorted(str(path.relative_to(installed)) for path in installed.rglob("*"))
    assert left == ["notes.txt", "releases", "releases/other-app", "releases/other-app/bin"]


def test_uninstall_leaves_no_empty_folder(installed: Path, as_root: dict[str, str]) -> None:
    """Where nothing is somebody else's, the prefix goes too."""
    shutil.rmtree(installed / "releases/other-app")
    (installed / "notes.txt").unlink()
    assert call("uninstall.sh", "--prefix", str(installed), env=as_root).returncode == 0
    assert not installed.exists()


@pytest.mark.parametrize(
    "line",
    [
        *("release .", "release ..", "release ../../victim", "release /victim", "release a b"),
        *("release victim", "release $(touch victim)", "file /etc/passwd", "file /etc/../etc/x"),
        *("link /victim", "release other-app/bin", "release -rf"),
    ],
)
def test_a_marker_that_was_edited_removes_nothing_else(
    installed: Path, line: str, tmp_path: Path
) -> None:
    """Names that lead out, links, and files that no install makes, are passed over."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (installed / "releases/victim").symlink_to(victim)
    marker = installed / ".smile-gate-install"
    before = call("uninstall.sh", "--dry-run", "--prefix", str(installed)).stdout
    marker.write_text(f"{marker.read_text()}{line}\n")
    said = call("uninstall.sh", "--dry-run", "--prefix", str(installed))
    assert said.returncode == 0
    assert said.stdout == before


def test_links_that_no_install_made_stay(installed: Path) -> None:
    """A `current` or `bin` of somebody else's is not ours because of its name."""
    for name, target in (("current", "releases/other-app"), ("bin", "/usr/bin")):
        (installed / name).unlink()
        (installed / name).symlink_to(target)
    said = call("uninstall.sh", "--dry-run", "--prefix", str(installed)).stdout.split()
    assert str(installed / "current") not in said
    assert str(installed / "bin") not in said


def test_without_a_marker_nothing_is_removed(installed: Path, as_root: dict[str, str]) -> None:
    """A folder that is not ours is one line and exit code 1."""
    (installed / ".smile-gate-install").unlink()
    before = sorted(installed.rglob("*"))
    said = call("uninstall.sh", "--prefix", str(installed), env=as_root)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "is not installed in" in said.stderr
    assert sorted(installed.rglob("*")) == before


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    "prefix",
    [
        *("/", "//", "/usr", "/usr/", "/usr/local", "/usr/local/", "/usr/bin", "/usr/lib/x"),
        *("/opt", "/etc/x", "/home", "opt", "./opt", "../opt", "/opt/../usr", "/opt/a b"),
        *("/opt/a&b", "/opt/a|b", "/opt/$HOME", "/opt/a;b", "/opt/a\nb", "/opt/ä", "/dev/shm/x"),
    ],
)
def test_a_prefix_of_the_systems_or_with_strange_signs_is_refused(script: str, prefix: str) -> None:
    """Nothing is looked at, and the line names a better one or says which signs there may be."""
    said = call(script, "--dry-run", "--prefix", prefix)
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.count("\n") == 1
    assert "--prefix" in said.stderr


def test_a_prefix_that_leads_to_the_systems_is_refused(tmp_path: Path) -> None:
    """A link is followed before it is judged."""
    (tmp_path / "link").symlink_to("/usr/local")
    for script in SCRIPTS:
        said = call(script, "--dry-run", "--prefix", str(tmp_path / "link"))
        assert said.returncode == 2
        assert "/usr/local belongs to the system" in said.stderr


def test_an_install_into_somebody_elses_folder_is_refused(installed: Path) -> None:
    """Without its marker a folder with things in it is no place for the program."""
    (installed / ".smile-gate-install").unlink()
    said = call("install.sh", "--dry-run", "--prefix", str(installed))
    assert "is not empty and no install of smile-gate's" in said.stderr
    assert said.returncode == 1


def test_a_folder_in_the_place_of_a_link_is_refused(installed: Path) -> None:
    """Somebody else's bin is not written into."""
    (installed / "bin").unlink()
    (installed / "bin").mkdir()
    said = call("install.sh", "--dry-run", "--prefix", str(installed))
    assert f"{installed}/bin is in the way" in said.stderr


def test_the_installers_python_runs(tmp_path: Path) -> None:
    """The self-check in the script imports what there is."""
    script = (SYSTEMD / "install.sh").read_text()
    code = script.partition("-c '\nimport sys")[2].partition('\' "$config"')[0]
    subprocess.run(
        [sys.executable, "-c", f"import sys{code}", SYSTEMD.parent / "config" / "gate.yaml"],
        check=True,
        cwd=SYSTEMD.parent,
    )


def pins(file: Path) -> dict[str, tuple[str, int]]:
    """The packages of a requirements file: version and number of hashes, by name."""
    found: dict[str, tuple[str, int]] = {}
    text = "".join(line for line in file.open() if not line.startswith("#"))
    for entry in text.replace("\\\n", " ").splitlines():
        if not entry.strip():
            continue
        pin, *hashes = re.split(r"\s+--hash=sha256:", entry)
        name, _, version = pin.partition(";")[0].strip().partition("==")
        assert all(re.fullmatch("[0-9a-f]{64}", one.strip()) for one in hashes)
        found[name] = (version, len(hashes))
    return found


REQUIREMENTS = sorted((SYSTEMD.parent / "requirements").rglob("*.txt"))


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_package_is_pinned_by_hash(file: Path) -> None:
    """The version is that of constraints.txt, and no line says where packages come from."""
    assert len(REQUIREMENTS) == 6
    old = file.parent.name == "3.11"
    wanted = {}
    for line in (SYSTEMD.parent / "constraints.txt").read_text().splitlines():
        pin, _, marker = line.partition(";")
        if not marker or ("<" in marker) is old:
            name, _, number = pin.partition("==")
            wanted[name.replace(".", "-")] = number.strip()
    for name, (pinned, hashes) in pins(file).items():
        assert wanted[name] == pinned, name
        assert hashes >= 1, name
    assert "setuptools" in pins(file)
    assert "://" not in file.read_text()
    assert "--index" not in file.read_text()


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    """The scripts are clean, where Debian's shellcheck is installed."""
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck: apt install shellcheck")
    said = subprocess.run(
        ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", SYSTEMD / script],
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
