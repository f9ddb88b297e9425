"""The facts that the checks need besides the parts themselves, gathered once."""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.config import Config
from gate.errors import ControlError, NotRunning
from gate.hardware.board import Board, Strain, strains
from gate.hardware.pin_factory import pin_factory
from gate.interfaces.control.protocol import Command, ask

UNIT = "smile-gate.service"
BUSY_STATES = {"active", "activating", "reloading", "deactivating"}
"""States of the unit in which the gate owns camera and pins, or is about to."""
ANSWER_S = 5.0
"""Time after which a loop without an answer is taken to hang, s."""
_PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "Result", "NRestarts", "UnitFileState", "User",
    "SupplementaryGroups", "NeedDaemonReload", "ProtectHome", "ProtectSystem", "PrivateNetwork",
    "ReadWritePaths", "StateDirectory",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """The user whose rights count: the service's, or without a service the one who runs doctor."""

    name: str
    uid: int
    groups: frozenset[int]
    """Numbers of all groups, the user's own one too."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One gate and its machine, as the doctor found them."""

    config: Config
    path: Path | None = None
    """The settings' file; None for the built-in defaults."""
    mistakes: tuple[str, ...] = ()
    """Mistakes in that file; if there are any, ``config`` has the defaults and means nothing."""
    board: Board = field(default_factory=Board)
    history: frozenset[Strain] | None = None
    """States that the firmware reports since the boot; None where it can't be asked."""
    unit: Mapping[str, str] | None = None
    """Properties of the service; None where there is no service manager."""
    status: Mapping[str, Any] | None = None
    """Status of the running gate, from `Status.as_dict`; None if it gave none."""
    silent: str | None = None
    """Reason why a running gate gave no answer; None if it answered, or if none runs."""
    service_user: Person | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    root: Path = Path("/")
    """Folder in which /dev, /proc and /sys are looked for."""
    open_pins: Callable[[str], Any] = pin_factory
    asked: frozenset[str] = frozenset()
    """Checks that were asked for, of those that are made only then."""

    @property
    def running(self) -> bool:
        """Whether a gate owns the camera and the pins."""
        if self.status is not None or self.silent is not None:
            return True
        return self.unit is not None and self.unit.get("ActiveState") in BUSY_STATES

    @property
    def installed(self) -> bool:
        """Whether the service manager knows the gate."""
        return self.unit is not None and self.unit.get("LoadState") == "loaded"


def gather(
    config: Config,
    path: Path | None,
    board: Board,
    *,
    mistakes: tuple[str, ...] = (),
    asked: frozenset[str] = frozenset(),
) -> Patient:
    """Gather the facts; this changes nothing."""
    unit = show_unit()
    status, silent = ask_gate(config)
    known = unit or {}
    name = known.get("User") or "smile-gate"
    return Patient(
        config=config,
        path=path,
        mistakes=mistakes,
        board=board,
        history=firmware_history(),
        unit=unit,
        status=status,
        silent=silent,
        service_user=person(name, known.get("SupplementaryGroups", "").split()),
        asked=asked,
    )


def ask_gate(config: Config) -> tuple[Mapping[str, Any] | None, str | None]:
    """Status of the running gate, and the reason if there is a gate that gives none."""
    if config.control.socket is None:
        return None, None
    try:
        status: Mapping[str, Any] = ask(config.control.socket, Command.STATUS, wait_s=ANSWER_S)[
            "status"
        ]
    except NotRunning:
        return None, None
    except ControlError as error:
        return None, str(error)
    return status, None


def person(name: str, more: Iterable[str] = ()) -> Person | None:
    """A user of this system, with ``more`` groups; None if there is none of that name."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = set(os.getgrouplist(name, entry.pw_gid))
    for one in more:
        with suppress(KeyError):
            groups.add(grp.getgrnam(one).gr_gid)
    return Person(name, entry.pw_uid, frozenset(groups))


def myself() -> Person:
    """The user who runs this program."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Person(name, uid, frozenset({os.getegid(), *os.getgroups()}))


def group(number: int) -> str:
    """A group's name."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def show_unit() -> dict[str, str] | None:
    """The service's properties (systemctl(1), ``show``); None without systemd."""
    if not Path("/run/systemd/system").is_dir():
        return None
    said = _ask(["systemctl", "show", UNIT, f"--property={','.join(_PROPERTIES)}"])
    pairs = (line.partition("=") for line in (said or "").splitlines())
    return {name: value for name, _, value in pairs} or None


def firmware_history() -> frozenset[Strain] | None:
    """The upper half of ``vcgencmd get_throttled``: it lasts until the next boot."""
    found = re.search(r"throttled=0x([0-9a-fA-F]+)", _ask(["vcgencmd", "get_throttled"]) or "")
    return strains(int(found[1], 16) >> 16) if found else None


def _ask(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
