"""Every command of docs/operations.md, in the page's order, typed by an operator with sudo.

The guest is a clean system with the checkout in the operator's home and no network: pip is told by
the system's settings to take its packages from a folder. What the page expects of people (someone
at the gate, a fault, a new card) is arranged before the command that needs it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator

from tests.pages import Told, commands
from tests.rig import userland, wheels
from tests.rig.guest import Guest
from tests.rig.host import ROOT, Failed, Missing
from tests.rig.nspawn import Container
from tests.rig.project import CLIP, CONFIG, LOG, SOURCE, WHEELS, ask_log, configure, deliver
from tests.rig.table import Step

PAGE = ROOT / "docs" / "operations.md"
NAME = "technician"
HOME = f"/home/{NAME}"
SETTINGS = f"""\
gate: {{id: lane-7}}
camera: {{source: {CLIP}, loop: true}}
face: {{lost_s: 0.7}}
relay: {{pin_factory: mock, hold_s: 1.0}}
rearm: {{after_s: 0.3}}
service: {{healthy_after_s: 60}}
"""
SEEN = {
    "sudo ./systemd/install.sh --dry-run": "nothing was done",
    "sudo ./systemd/install.sh --yes": "installed: smile-gate",
    "sudo smile-gate setup": "gate.yaml.before-",
    "sudo smile-gate check": "lane-7",
    "sudo smile-gate doctor --only face": "px high",
    "smile-gate status": "lane-7",
    "smile-gate open": "is open for 1 s",
    "sudo smile-gate audit salvage": "[1-9][0-9]* are proved by their digest",
    "sudo smile-gate audit stats": "grants",
    f"sudo smile-gate audit list --config {CONFIG} --event visit_left": "visit_left",
    f"sudo smile-gate audit list --config {CONFIG} --event fault": "crash_loop",
    "sudo smile-gate audit verify": "whole",
    "sudo smile-gate audit head": r"\d+:[0-9a-f]{16}",
    "sudo smile-gate reload": "smile.frames",
    "systemctl status": "smile-gate.service",
    "journalctl -u smile-gate --no-pager --lines": "smile-gate",
    "journalctl -u smile-gate --no-pager --priority": "fault|Failed to start",
}
"""What a command must say, by how it begins; the longest beginning counts."""
SALVAGE = f"sudo smile-gate audit salvage left.csv --database {LOG}.damaged-20260501T083000Z"
SETUP = r"\n\ny\ny\ny\ny\ny\n"
"""Answers to setup: pin and level as they are; it may move; it clicked; somebody stands there; both
are taken; it is written."""
CODES = {"systemctl status smile-gate": 3, "smile-gate events": 4}
"""Exit codes other than 0: systemctl(1) answers 3 for a unit that does not run, the gate 4 to an
operator who is not among `control.readers`."""


def steps() -> Iterator[Step]:
    """Boot a clean system and follow the page."""
    root = userland.BOOKWORM.build()
    packages = wheels.fetch(wheels.BOOKWORM, "metrics")
    with Container(root) as guest:
        deliver(guest.root / "srv", packages)
        yield from Operator(guest).steps()


class Operator:
    """Somebody with the page before them."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._arranged: set[Told] = set()
        self._copied = 0
        self._before = {
            Told("Before the first guest", "sudo smile-gate setup"): self.wire,
            Told("Before the first guest", f"sudo smile-gate check --config {CONFIG}"): self.wire,
            Told("Every day", "smile-gate status"): self.guests,
            Told("Tuning at the gate", "sudo smile-gate reload"): self.tune,
            Told("What each fault means", "smile-gate clear-fault"): self.crash,
            Told("What each fault means", "systemctl status smile-gate"): self.spoil,
            Told("What each fault means", "sudo systemctl reset-failed smile-gate"): self.wire,
            Told("Replacing the SD card", SALVAGE): self.old_log,
            Told(
                "Replacing the SD card", "sudo tar xzf /var/backups/smile-gate.tar.gz -C /"
            ): self.new_card,
        }

    def steps(self) -> Iterator[Step]:
        """The page's commands; at last what it promised."""
        yield Step("a Debian with an operator", self.arrive)
        told = commands(PAGE)
        strangers = self._before.keys() - set(told)
        assert not strangers, f"the page has no {strangers}"
        for one in told:
            yield Step(f"{one.section}: {one.line}", lambda one=one: self.type(one))  # type: ignore[misc]
            if one == told[-2]:
                yield Step("the log on the new card goes on from the copy", self.goes_on)

    def arrive(self) -> str:
        self._guest.run(
            f"groupadd -f gpio; useradd -m -s /bin/bash -G adm,sudo {NAME}"
            f" && echo '{NAME} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{NAME}"
            f" && printf '[global]\nno-index = true\nfind-links = {WHEELS}\n' >/etc/pip.conf"
            f" && cp -r {SOURCE} {HOME}/ && chown -R {NAME}: {HOME}"
        )
        return self._guest.ask("systemctl --version | head -1")

    def type(self, told: Told) -> str:
        """Type a line at a new login, and look at what it says."""
        arrange = self._before.get(told)
        if arrange is not None and told not in self._arranged:
            self._arranged.add(told)
            arrange()
        line = told.line
        if line.endswith("--watch"):
            line = f"timeout --preserve-status --signal=INT 4 {line}"
        if line.endswith("--relay"):
            line = f"yes | {line}"
        if line.endswith("setup"):
            line = f"printf '{SETUP}' | {line}"
        typed = shlex.quote(f"cd {HOME}/smile-gate && {line}")
        said = self._guest.run(f"runuser -l {NAME} -c {typed}", check=False, limit_s=300)
        code = CODES.get(told.line, 0)
        text = said.text.strip()
        if said.code != code:
            if ("doctor" in line or "setup" in line) and os.getloadavg()[0] > (os.cpu_count() or 1):
                raise Missing(f"this machine is busy, and the doctor sees it: {text[-300:]}")
            raise Failed(f"ended with {said.code}, not {code}: {text[-600:]}")
        wanted = max((begin for begin in SEEN if told.line.startswith(begin)), key=len, default="")
        if wanted and not re.search(SEEN[wanted], text):
            raise Failed(f"says nothing of '{SEEN[wanted]}': {text[-600:]}")
        return text.splitlines()[-1].strip() if text else "no word"

    # --- what the page expects of people --------------------------------------------------------

    def wire(self) -> None:
        configure(self._guest, SETTINGS)

    def guests(self) -> None:
        """Let a guest pass, and one who was refused go."""
        for kind in ("granted", "visit_left"):
            self._guest.wait(kind, self._events(kind), lambda said: said not in ("", "0"), 90)

    def tune(self) -> None:
        configure(self._guest, SETTINGS + "smile: {frames: 6}\n")

    def crash(self) -> None:
        """Three unclean ends within minutes."""
        text = "systemctl show smile-gate -p StatusText --value"
        for _ in range(5):
            self._guest.run("systemctl kill --kill-who=main -s KILL smile-gate; sleep 2")
            active = "systemctl is-active smile-gate"
            self._guest.wait("back", active, lambda said: said == "active", 60)
            if "crash_loop" in self._guest.ask(text):
                return
        raise Failed(f"no safe mode: {self._guest.ask(text)}")

    def spoil(self) -> None:
        """Pins that nobody can claim: no gate starts with them, until systemd gives up."""
        configure(self._guest, SETTINGS.replace("pin_factory: mock", "pin_factory: lgpio"))
        self._guest.run("systemctl restart smile-gate", check=False)
        failed = "systemctl is-failed smile-gate; systemctl show smile-gate -p NRestarts --value"
        self._guest.wait("given up", failed, lambda said: said.startswith("failed"), 120)

    def old_log(self) -> None:
        """A log that was set aside; tests/audit/test_recovery.py has damaged ones."""
        aside = f"{LOG}.damaged-20260501T083000Z"
        self._guest.run(f"smile-gate audit backup /tmp/copy --database {LOG}")
        self._guest.run(f"cp /tmp/copy/*.db {aside}")

    def new_card(self) -> None:
        """The old card is gone, with everything on it; the program is on the new one."""
        copy = self._guest.ask("ls /var/lib/smile-gate/backups/*.db | tail -n 1")
        self._copied = int(self._guest.ask(ask_log("select max(sequence) from event", copy)))
        self._guest.run(f"{SOURCE}/systemd/uninstall.sh --purge --yes", limit_s=60)
        self._guest.run(f"{SOURCE}/systemd/install.sh --yes --no-start", limit_s=300)

    def goes_on(self) -> str:
        """What is known of the copy is in the log, and the log says that it is one."""
        kind = "select kind from event join what on what.id = event.what where sequence"
        begun, said = (
            self._guest.ask(ask_log(f"{kind} = {self._copied + number}")) for number in (1, 2)
        )
        granted = int(self._guest.ask(self._events("granted")))
        if (begun, said) != ("log_begun", "restored") or not granted:
            raise Failed(f"after event {self._copied}: {begun}, {said}; {granted} granted")
        return f"{self._copied} events were copied, then {begun} and {said}; {granted} granted"

    def _events(self, kind: str) -> str:
        return ask_log(
            f"select count(*) from event join what on what.id = event.what where kind = '{kind}'"
        )
