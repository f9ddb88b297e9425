"""The installed service under a real systemd, from a clean system to a purge; pins are mocked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.rig import userland, wheels
from tests.rig.guest import Guest
from tests.rig.host import Failed, Missing
from tests.rig.nspawn import Container
from tests.rig.project import CLIP, CONFIG, INSTALL, LOG, SOURCE, ask_log, configure, deliver
from tests.rig.table import Step

SETTINGS = f"""\
camera: {{source: {CLIP}, loop: true}}
face: {{lost_s: 0.7}}
relay: {{pin_factory: mock, hold_s: 1.0}}
rearm: {{after_s: 0.3}}
service: {{healthy_after_s: 8}}
"""
DROP_INS = ("network-camera.conf", "metrics.conf", "reboot-when-stuck.conf")
EXPOSURE = 1.5
"""The most that ``systemd-analyze security`` may say."""
READY_S = 2.0
"""From `systemctl start` to READY, or as many `IMPORTS` as a slow machine needs."""
STOP_S = 5.0
"""From `systemctl stop` to its end, safe-state included, or as many `IMPORTS`."""
LIBRARIES = "cv2, gpiozero, pydantic, sqlalchemy"
IMPORTS = 4.0
"""How often Python could import these libraries meanwhile: a measure of the machine."""
WATCHDOG_S = 10.0
METRICS = "http://127.0.0.1:9273/metrics"
ELSEWHERE = ("srv", "proc", "sys", "dev", "run", "tmp", "var/log")
"""Folders where a purge has nothing to look for."""
MEMORY_MB = 200
"""The daemon's peak must leave room below the unit's MemoryHigh."""


def steps() -> Iterator[Step]:
    """The service's whole life on Bookworm."""
    yield from life(userland.BOOKWORM, wheels.BOOKWORM)


def life(system: userland.Userland, target: wheels.Target) -> Iterator[Step]:
    """Boot a clean system and try the service's whole life on it."""
    root = system.build()
    packages = wheels.fetch(target, "metrics")
    with Container(root) as guest:
        deliver(guest.root / "srv", packages)
        yield from Service(guest, system.release).steps()


class Service:
    """The steps, on one guest; each leaves the gate running for the next."""

    def __init__(self, guest: Guest, release: str) -> None:
        self._guest = guest
        self._name = release

    def steps(self) -> Iterator[Step]:
        """All steps in their order."""
        yield Step(f"boots Debian {self._name} with systemd", self.boot)
        yield Step("a dry run changes nothing", self.dry_run)
        yield Step("installs on a clean system and starts", self.install)
        yield Step("systemd-analyze verify finds nothing", self.verify)
        yield Step(f"exposure is at most {EXPOSURE}", self.exposure)
        yield Step("runs inside its sandbox", self.sandbox)
        yield Step(f"start to READY within {READY_S:g} s, or {IMPORTS:g} bare imports", self.ready)
        yield Step("a smile is granted, and in the log", self.grant)
        yield Step("status says how it is", self.status)
        yield Step("an operator opens, and cannot read the log", self.operator)
        yield Step("a good reload is applied without a restart", self.reload_good)
        yield Step("a bad reload is refused and changes nothing", self.reload_bad)
        yield Step("it starts with each drop-in and a credential", self.drop_ins)
        yield Step("metrics are served from inside the sandbox", self.metrics)
        yield Step("journald has the fields of a grant", self.journal)
        yield Step("peak memory", self.memory)
        yield Step("a hang ends by the watchdog, safe, and it starts again", self.hang)
        yield Step("SIGKILL: safe, and it starts again", self.kill)
        yield Step("a crash loop keeps the lane shut, then heals", self.crash_loop)
        yield Step("stop: clean end, lines safe", self.stop)
        yield Step("an upgrade runs the new version", self.upgrade)
        yield Step("an upgrade that lacks a package changes nothing", self.upgrade_lacks)
        yield Step("an upgrade that does not start goes back", self.upgrade_fails)
        yield Step("uninstall keeps log and settings", self.uninstall)
        yield Step("purge leaves nothing", self.purge)

    # --- install ------------------------------------------------------------------------------

    def boot(self) -> str:
        version = self._guest.ask("systemctl --version | head -1; python3 -V").replace("\n", ", ")
        return f"{version} after {self._guest.boot_s:.1f} s"

    def dry_run(self) -> str:
        before = self._guest.ask("find / -xdev -newer /proc/1 2>/dev/null | wc -l; ls /opt /etc")
        said = self._guest.ask(f"{INSTALL} --dry-run")
        after = self._guest.ask("find / -xdev -newer /proc/1 2>/dev/null | wc -l; ls /opt /etc")
        if before.split()[1:] != after.split()[1:] or "nothing was done" not in said:
            raise Failed(said)
        return "said what it would do"

    def install(self) -> str:
        configure(self._guest, SETTINGS)
        said = self._guest.ask(INSTALL, limit_s=300)
        self._active()
        if self._guest.ask("stat -c %U:%a /var/lib/smile-gate") != "smile-gate:750":
            raise Failed("the log's folder is open to others")
        self._guest.run("id -nG smile-gate | grep -w gpio | grep -w video")
        self._guest.run(f"cmp {CONFIG}.new {SOURCE}/config/gate.yaml")
        return said.splitlines()[-2].strip()

    def verify(self) -> str:
        said = self._guest.ask("systemd-analyze verify --man=no smile-gate.service 2>&1")
        if said:
            raise Failed(said)
        return "clean"

    def exposure(self) -> str:
        level = self._level()
        if level > EXPOSURE:
            raise Failed(f"{level}")
        return f"{level}"

    def sandbox(self) -> str:
        pid = self._pid()
        status = self._guest.ask(f"cat /proc/{pid}/status")
        for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"):
            if line not in status:
                raise Failed(f"{line!r} is not in /proc/PID/status")
        root = self._guest.ask(f"awk '$5 == \"/\" {{print $6}}' /proc/{pid}/mountinfo | tail -1")
        if not root.startswith("ro"):
            raise Failed(f"its root is mounted {root}")
        links = self._guest.ask(f"tail -n +3 /proc/{pid}/net/dev | cut -d: -f1").split()
        if links != ["lo"]:
            raise Failed(f"it has the network links {links}")
        return "no rights, read-only system, system calls filtered, no network"

    def ready(self) -> str:
        times = []
        for _ in range(5):
            self._guest.run("systemctl reset-failed smile-gate; systemctl stop smile-gate")
            times.append(self._timed("systemctl start smile-gate"))
        own = self._guest.ask(
            "systemctl show smile-gate -p ExecMainStartTimestampMonotonic --value;"
            "systemctl show smile-gate -p ActiveEnterTimestampMonotonic --value"
        ).split()
        daemon = (int(own[1]) - int(own[0])) / 1e6
        imports = self._imports_s()
        seen = (
            f"{min(times):.2f} s at best of 5, safe-state included; daemon {daemon:.2f} s; bare"
            f" imports of its libraries {imports:.2f} s"
        )
        if min(times) > max(READY_S, IMPORTS * imports):
            raise Failed(seen)
        return seen

    # --- operate ------------------------------------------------------------------------------

    def grant(self) -> str:
        took = self._granted_after(self._last())
        return f"after {took:.1f} s"

    def status(self) -> str:
        self._command("status")
        self._guest.run("smile-gate status --json | python3 -m json.tool")
        told = self._guest.ask("systemctl show smile-gate -p StatusText --value")
        self._guest.run("setpriv --reuid nobody --regid nogroup --clear-groups smile-gate status")
        return told

    def operator(self) -> str:
        group = "setpriv --reuid nobody --regid smile-gate --clear-groups"
        said = self._guest.ask(f"{group} smile-gate open --reason rig")
        if self._guest.run(f"{group} cat {LOG}", check=False).code == 0:
            raise Failed("the log can be read by the operators' group")
        for place in ("/var/lib/smile-gate", "/run/smile-gate"):
            if found := self._guest.ask(f"find {place} -type f -perm /077 -ls"):
                raise Failed(found)
        return said

    def reload_good(self) -> str:
        self._command("reload")
        pid = self._pid()
        last = self._last()
        configure(self._guest, SETTINGS + "smile: {frames: 6}\n")
        self._guest.run("systemctl reload smile-gate")
        self._since(last, "config_changed", 30)
        if self._pid() != pid:
            raise Failed("it was restarted")
        return self._guest.ask(
            f"smile-gate audit list --database {LOG} --event config_changed | tail -1"
        )

    def reload_bad(self) -> str:
        self._command("reload")
        pid = self._pid()
        configure(self._guest, SETTINGS + "smile: {frames: many}\n")
        said = self._guest.run("smile-gate reload", check=False)
        systemd = self._guest.run("systemctl reload smile-gate", check=False)
        configure(self._guest, SETTINGS)
        if said.code == 0 or systemd.code == 0:
            raise Failed("a bad file was taken")
        self._active()
        if self._pid() != pid:
            raise Failed("it was restarted")
        return said.text.strip().splitlines()[-1]

    def drop_ins(self) -> str:
        folder = "/etc/systemd/system/smile-gate.service.d"
        seen = []
        self._guest.run("echo geheim > /etc/smile-gate/camera-password")
        for name in DROP_INS:
            self._guest.run(f"install -D -m 644 {SOURCE}/systemd/{name} {folder}/{name}")
            self._guest.run(f"sed -i 's/^#LoadCredential/LoadCredential/' {folder}/{name}")
            self._guest.run("systemctl daemon-reload && systemctl restart smile-gate")
            said = self._guest.ask("systemd-analyze verify --man=no smile-gate.service 2>&1")
            if said:
                raise Failed(f"{name}: {said}")
            seen.append(f"{name} {self._level()}")
            self._guest.run(f"rm {folder}/{name}")
        self._guest.run("rm /etc/smile-gate/camera-password")
        self._guest.run("systemctl daemon-reload && systemctl restart smile-gate")
        return "exposure with " + ", ".join(seen)

    def metrics(self) -> str:
        place = "/etc/systemd/system/smile-gate.service.d/metrics.conf"
        self._guest.run(f"install -D -m 644 {SOURCE}/systemd/metrics.conf {place}")
        configure(self._guest, SETTINGS + "metrics: {port: 9273}\n")
        self._guest.run("systemctl daemon-reload && systemctl restart smile-gate && sleep 2")
        page = f"from urllib.request import urlopen; print(urlopen('{METRICS}').read().decode())"
        said = self._guest.ask(f'python3 -c "{page}"')
        self._guest.run(f"rm {place}")
        configure(self._guest, SETTINGS)
        self._guest.run("systemctl daemon-reload && systemctl restart smile-gate")
        frames = re.search(r"^smile_gate_frames_total\S* ([\d.]+)", said, re.MULTILINE)
        if frames is None or not float(frames[1]):
            raise Failed(f"no frames are counted: {said[-300:]}")
        return (
            f"{len(re.findall('^# TYPE', said, re.MULTILINE))} of them, {float(frames[1]):g} frames"
        )

    def journal(self) -> str:
        self._granted_after(self._last())
        line = self._guest.ask("journalctl -u smile-gate EVENT=granted -o json --no-pager -n 1")
        fields = json.loads(line)
        if (
            fields["PRIORITY"] != "6"
            or not int(fields["VISIT"])
            or fields["REASON"] != "smile_held"
        ):
            raise Failed(line)
        return f"{fields['MESSAGE']} (VISIT={fields['VISIT']} STATE={fields['STATE']})"

    def memory(self) -> str:
        kilobytes = self._guest.ask(f"awk '/VmHWM/ {{print $2}}' /proc/{self._pid()}/status")
        peak = int(kilobytes) // 1024
        if peak > MEMORY_MB:
            raise Failed(f"{peak} MB")
        return f"{peak} MB"

    # --- repair -------------------------------------------------------------------------------

    def hang(self) -> str:
        pid = self._pid()
        safe = self._safe_states()
        self._guest.run(f"kill -STOP {pid}")
        took = self._restarted(pid, WATCHDOG_S + 60)
        self._safe_after(safe)
        journal = self._guest.ask("journalctl -u smile-gate -o cat --no-pager -n 60")
        if "atchdog" not in journal:
            raise Failed("the journal does not say that it was the watchdog")
        return f"READY again {took:.1f} s after the hang (WatchdogSec is {WATCHDOG_S:g} s)"

    def kill(self) -> str:
        pid = self._pid()
        safe = self._safe_states()
        self._guest.run(f"kill -KILL {pid}")
        took = self._restarted(pid, 60)
        self._safe_after(safe)
        return f"READY again after {took:.1f} s"

    def crash_loop(self) -> str:
        self._guest.run("systemctl reset-failed smile-gate")
        for _ in range(2):
            pid = self._pid()
            self._guest.run(f"kill -KILL {pid}")
            self._restarted(pid, 60)
        text = "systemctl show smile-gate -p StatusText --value"
        self._guest.wait("safe mode", text, lambda said: "crash_loop" in said, 30)
        last = self._last()
        healed = self._guest.wait("healed", text, lambda said: "fault" not in said, 60)
        shut = self._guest.ask(self._query(last, "granted"))
        back = int(self._guest.ask(self._query(last, "recovered")) or 0)
        if int(shut) and not back:
            raise Failed("it granted while the lane had to be shut")
        took = self._granted_after(self._last())
        return f"shut, healed after {healed:.0f} s, granted again {took:.1f} s later"

    def stop(self) -> str:
        safe = self._safe_states()
        took = self._timed("systemctl stop smile-gate")
        self._safe_after(safe)
        result = self._guest.ask("systemctl show smile-gate -p Result --value")
        imports = self._imports_s()
        self._guest.run(f"smile-gate audit verify --database {LOG}")
        self._guest.run("systemctl start smile-gate")
        if result != "success":
            raise Failed(result)
        seen = f"{took:.1f} s, bare imports {imports:.2f} s; the log verifies"
        if took > max(STOP_S, IMPORTS * imports):
            raise Failed(seen)
        return seen

    # --- upgrade, uninstall -------------------------------------------------------------------

    def upgrade(self) -> str:
        old = self._release()
        self._guest.run("systemctl reset-failed smile-gate")
        change = 's/^__version__ = .*/__version__ = "9.0.0"/'
        self._guest.run(f"sed -i '{change}' {SOURCE}/gate/__init__.py")
        self._guest.run(INSTALL, limit_s=300)
        self._active()
        new = self._release()
        self._guest.run("smile-gate --version | grep -F 9.0.0")
        if new == old or "9.0.0" not in new:
            raise Failed(f"{old} -> {new}")
        self._guest.run(f"grep -q 'loop: true' {CONFIG}")
        return f"{old} -> {new}"

    def upgrade_lacks(self) -> str:
        pid, release = self._pid(), self._release()
        said = self._guest.run(
            f"mkdir -p /srv/few && {SOURCE}/systemd/install.sh --yes --wheels /srv/few", check=False
        )
        if said.code == 0 or self._pid() != pid or self._release() != release:
            raise Failed(f"exit code {said.code}")
        return said.text.strip().splitlines()[-1]

    def upgrade_fails(self) -> str:
        release = self._release()
        self._guest.run(f"cp {SOURCE}/gate/service/daemon.py /srv/daemon.py")
        broken = 'raise RuntimeError("broken on purpose")'
        self._guest.run(f"echo '{broken}' >> {SOURCE}/gate/service/daemon.py")
        said = self._guest.run(INSTALL, limit_s=300, check=False)
        self._guest.run(f"cp /srv/daemon.py {SOURCE}/gate/service/daemon.py")
        if said.code == 0:
            raise Failed("it said that it worked")
        self._active()
        if self._release() != release:
            raise Failed(f"{self._release()} runs, not {release}")
        self._granted_after(self._last())
        return said.text.strip().splitlines()[-1]

    def uninstall(self) -> str:
        said = self._guest.ask(f"{SOURCE}/systemd/uninstall.sh")
        self._guest.run(f"test -s {LOG} && test -s {CONFIG}")
        self._guest.run("! systemctl cat smile-gate && ! test -e /opt/smile-gate")
        self._guest.run("! pgrep -u smile-gate")
        return said.splitlines()[-1]

    def purge(self) -> str:
        self._guest.run(INSTALL, limit_s=300)
        if not self._guest.run(f"{SOURCE}/systemd/uninstall.sh --purge", check=False).code:
            raise Failed("the log was deleted without a question")
        self._guest.run(f"test -s {LOG} && {SOURCE}/systemd/uninstall.sh --purge --yes")
        kept = " -o ".join(f"-path /{name}" for name in ELSEWHERE)
        left = self._guest.ask(
            f"find / -xdev \\( {kept} \\) -prune -o -name '*smile-gate*' -print;"
            " getent passwd smile-gate || true"
        )
        if left:
            raise Failed(f"left behind: {left}")
        return "no file, no user"

    # --- asking -------------------------------------------------------------------------------

    def _pid(self) -> int:
        return int(self._guest.ask("systemctl show smile-gate -p MainPID --value"))

    def _level(self) -> float:
        """The exposure that systemd-analyze sees, 0 to 10."""
        said = self._guest.ask("systemd-analyze security smile-gate --no-pager | tail -1")
        found = re.search(r"level for \S+: ([\d.]+)", said)
        if found is None:
            raise Failed(said)
        return float(found[1])

    def _active(self) -> None:
        self._guest.run("systemctl is-active smile-gate")

    def _release(self) -> str:
        """The release that the running process was started from."""
        words = self._guest.ask(f"tr '\\0' ' ' < /proc/{self._pid()}/cmdline")
        found = re.search(r"releases/([^/]+)/", words)
        if found is None:
            raise Failed(f"it runs {words}")
        return found[1]

    def _command(self, name: str) -> None:
        if self._guest.run(f"smile-gate {name} --help", check=False).code:
            raise Missing(f"this version has no `smile-gate {name}`")

    def _last(self) -> int:
        """The newest event's number in the log."""
        return int(self._guest.ask(ask_log("select coalesce(max(sequence), 0) from event")))

    def _query(self, after: int, kind: str) -> str:
        return ask_log(
            "select count(*) from event join what on what.id = event.what"
            f" where sequence > {after} and kind = '{kind}'"
        )

    def _since(self, last: int, kind: str, limit_s: float) -> float:
        asked = self._query(last, kind)
        return self._guest.wait(kind, asked, lambda said: said not in ("0", ""), limit_s)

    def _granted_after(self, last: int) -> float:
        return self._since(last, "granted", 60)

    def _restarted(self, pid: int, limit_s: float) -> float:
        def good(said: str) -> bool:
            state, new = said.split()
            return state == "active" and new not in ("0", str(pid))

        asked = "for i in ActiveState MainPID; do systemctl show smile-gate -p $i --value; done"
        return self._guest.wait("a new process is ready", asked, good, limit_s)

    def _imports_s(self) -> float:
        """Seconds that Python takes for the gate's largest libraries, at best."""
        bare = f"/opt/smile-gate/current/bin/python -c 'import {LIBRARIES}'"
        return min(self._timed(bare) for _ in range(5))

    def _timed(self, command: str) -> float:
        """Seconds that a command takes in the guest."""
        said = self._guest.ask(
            f"a=$(date +%s%N); {command}; b=$(date +%s%N); echo $(((b - a) / 1000000))"
        )
        return int(said) / 1000

    def _safe_states(self) -> int:
        journal = "journalctl -u smile-gate -o cat --no-pager"
        return int(self._guest.ask(f"{journal} | grep -c '^gate on GPIO .*: safe' || true"))

    def _safe_after(self, before: int) -> None:
        """The lines were put safe at least once more than before."""
        if self._safe_states() <= before:
            raise Failed("the lines were not put safe")
