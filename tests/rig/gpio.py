"""The gate on a real GPIO character device, a real memory limit, and a disk that loses power.

The lines are simulated by the kernel (gpio-sim). Its tracepoints tell every level that a program
sets; its files in /sys tell the level that a relay board would see.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.rig import lines
from tests.rig.host import Failed
from tests.rig.lines import EMERGENCY, RELAY
from tests.rig.project import CLIP, LOG, configure
from tests.rig.table import Step
from tests.rig.vm import Machine

HOLD_S = 4.0
CUTS = 2
SETTINGS = f"""\
camera: {{source: {CLIP}, loop: true, stale_after_s: 20}}
face: {{lost_s: 5}}
smile: {{frames: 1}}
eyes: {{required: false}}
relay: {{pin: {RELAY}, hold_s: {HOLD_S}}}
rearm: {{after_s: 0.3}}
inputs: {{emergency: {{pin: {EMERGENCY}}}}}
service: {{crash_starts: 100}}
"""
"""Easy to please, and slow to complain: emulation judges few frames a second."""
SHUT = SETTINGS.replace("frames: 1", "frames: 100")
ACTIVE_LOW = SHUT.replace(f"pin: {RELAY},", f"pin: {RELAY}, active_high: false,")
WATCHDOG_S = 30.0
OPEN = """\
import socket
gate = socket.socket(socket.AF_UNIX)
gate.connect("/run/smile-gate/control.sock")
gate.sendall(b'{"command": "open", "reason": "rig"}\\n')
answer = gate.recv(4096)
assert b'"ok": true' in answer, answer
"""
COUNT = f"""\
import sqlite3, sys
log = sqlite3.connect("file:{LOG}?mode=ro", uri=True)
asked = "select count(*) from event join what on what.id = event.what where kind = ?"
print(log.execute(asked, sys.argv[1:]).fetchone()[0])
"""
CONTROL = f"""\
import gpiozero
from gpiozero.pins.lgpio import LGPIOFactory
gpiozero.DigitalOutputDevice({RELAY}, active_high=False, pin_factory=LGPIOFactory()).close()
"""


def steps() -> Iterator[Step]:
    """Boot a machine with lines and try what only a kernel can show."""
    with tempfile.TemporaryDirectory(prefix="smile-gate-payload-") as folder:
        lines.pack(Path(folder))
        with Machine(Path(folder)) as machine:
            yield from Lines(machine).steps()


class Lines:
    """The steps, on one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._sim = ""
        self._number = 0

    def steps(self) -> Iterator[Step]:
        """All steps in their order."""
        yield Step("boots Debian's kernel with 58 GPIO lines", self.boot)
        yield Step("starts on the lines", self.install)
        yield Step("a grant is seen on the line", self.grant)
        for persist in (0, 1):
            yield Step(
                f"SIGKILL in a hold, {('line falls back', 'line stays driven')[persist]}: shut",
                lambda persist=persist: self.kill(persist),  # type: ignore[misc]
            )
        yield Step("the emergency contact moves the relay", self.emergency)
        yield Step("the tracer sees gpiozero's own blip (control)", self.control)
        yield Step("no blip at start, active-high board", lambda: self.no_blip(SHUT, 0))
        yield Step("no blip at start, active-low board", lambda: self.no_blip(ACTIVE_LOW, 1))
        yield Step("memory: the peak, and a limit that bites", self.memory)
        for cut in range(1, CUTS + 1):
            yield Step(f"power cut {cut} of {CUTS} in a hold: the grant is in the log", self.cut)
        yield Step("a hang in a hold ends by the watchdog: shut", self.hang)

    def boot(self) -> str:
        machine = self._machine
        self._sim, self._number = lines.make(machine)
        return f"{machine.ask('uname -r')} by {machine.accelerator}, {machine.boot_s:.0f} s"

    def install(self) -> str:
        machine = self._machine
        lines.install(machine, SETTINGS)
        started = machine.run("systemctl start smile-gate", limit_s=300, check=False)
        if started.code:
            raise Failed(machine.ask("journalctl -u smile-gate -o cat --no-pager -n 12"))
        return machine.ask("systemctl show smile-gate -p StatusText --value")

    def grant(self) -> str:
        self._trace_anew()
        waited = self._machine.wait("open", self._value(), lambda said: said == "1", 200)
        took = self._machine.wait("shut again", self._value(), lambda said: said == "0", 60)
        sets = self._sets()
        if "1" not in sets or sets[-1] != "0":
            raise Failed(f"levels set: {sets}")
        if not self._count("granted"):
            raise Failed("no grant in the log")
        return f"open after {waited:.0f} s of the clip, shut {took:.1f} s later (hold_s {HOLD_S:g})"

    def kill(self, persist: int) -> str:
        self._machine.run(f"echo {persist} > /sys/module/gpio_sim/parameters/persist")
        self._open()
        took = self._shut_after("systemctl kill --kill-who=main -s KILL smile-gate", 60)
        self._again()
        self._machine.run("echo 0 > /sys/module/gpio_sim/parameters/persist")
        return f"shut after {took:.2f} s (emulated processor)"

    def hang(self) -> str:
        self._machine.run("systemctl start smile-gate", limit_s=300)
        self._machine.run("echo 1 > /sys/module/gpio_sim/parameters/persist")
        self._open()
        took = self._shut_after("systemctl kill --kill-who=main -s STOP smile-gate", 120)
        self._again()
        return f"shut after {took:.1f} s; WatchdogSec {WATCHDOG_S:g} here"

    def emergency(self) -> str:
        pull = self._value(EMERGENCY).replace("cat ", "").replace("/value", "/pull")
        self._machine.wait("shut", self._value(), lambda said: said == "0", 60)
        machine = self._machine
        took = machine.ask(
            f"a=$(date +%s%N); echo pull-down > {pull};"
            f" until [ $({self._value()}) = 1 ]; do :; done; b=$(date +%s%N);"
            " echo $(((b - a) / 1000000))",
            limit_s=30,
        )
        machine.run("sleep 1")
        still = machine.ask(self._value())
        machine.run(f"echo pull-up > {pull}; systemctl restart smile-gate", limit_s=300)
        if still != "1":
            raise Failed("it did not stay")
        return f"after {took} ms, and it stays"

    def control(self) -> str:
        machine = self._machine
        machine.run("systemctl stop smile-gate", limit_s=120)
        self._trace_anew()
        python = "/opt/smile-gate/current/bin/python"
        machine.run(f"cd /run && {python} - <<'END'\n{CONTROL}END", limit_s=120)
        sets = self._sets()
        if sets[:1] != ["0"]:
            raise Failed(f"levels set: {sets}: the method shows nothing, or gpiozero was mended")
        return f"levels set by gpiozero alone on an active-low board: {' '.join(sets)}"

    def no_blip(self, settings: str, rest: int) -> str:
        machine = self._machine
        machine.run("systemctl stop smile-gate", limit_s=120)
        configure(machine, settings)
        self._trace_anew()
        machine.run("systemctl start smile-gate; sleep 3", limit_s=300)
        sets = self._sets()
        if machine.run("systemctl is-active smile-gate", check=False).code:
            raise Failed(machine.ask("journalctl -u smile-gate -o cat --no-pager -n 8"))
        if not sets or set(sets) != {str(rest)}:
            raise Failed(f"levels set: {sets}, but only {rest} is safe")
        return f"levels set by safe-state and start: {' '.join(sets)}"

    def memory(self) -> str:
        machine = self._machine
        machine.run("systemctl stop smile-gate", limit_s=120)
        configure(machine, SETTINGS)
        machine.run("systemctl start smile-gate; sleep 5", limit_s=300)
        group = "/sys/fs/cgroup/system.slice/smile-gate.service"
        limit = int(machine.ask(f"cat {group}/memory.max"))
        peak = int(machine.ask(f"cat {group}/memory.peak"))
        eater = machine.run(
            "systemd-run --quiet --wait -p MemoryMax=50M -p MemorySwapMax=0"
            " python3 -c 'bytearray(200 << 20)'",
            check=False,
        )
        if eater.code == 0:
            raise Failed("a limit of 50 MB let 200 MB pass")
        if peak > limit / 2:
            raise Failed(f"peak {peak >> 20} MB of {limit >> 20} MB")
        return f"peak {peak >> 20} MB with files cached for it, MemoryMax {limit >> 20} MB"

    def cut(self) -> str:
        machine = self._machine
        before = self._count("operator_granted")
        self._open()
        machine.power_cut()
        machine.boot()
        self._sim, self._number = lines.make(machine)
        machine.run("systemctl stop smile-gate; fsck.ext4 -p /dev/vdb", check=False, limit_s=200)
        machine.run("mount /dev/vdb /var/lib/smile-gate")
        after = self._count("operator_granted")
        verified = machine.ask(f"smile-gate audit verify --database {LOG} | tail -1", limit_s=200)
        machine.run("systemctl start smile-gate", limit_s=300)
        if after != before + 1:
            raise Failed(f"{after} grants in the log, {before + 1} were given")
        return f"all {after} grants; {verified}"

    # --- helpers ------------------------------------------------------------------------------

    def _value(self, line: int = RELAY) -> str:
        return f"cat {self._sim}/sim_gpio{line}/value"

    def _open(self) -> None:
        """Have the operator open: the line rises, after the record of it."""
        self._machine.run(
            f"until [ $({self._value()}) = 0 ]; do sleep 0.05; done;"
            f" python3 - <<'END'\n{OPEN}END\n"
            f"until [ $({self._value()}) = 1 ]; do sleep 0.05; done",
            limit_s=120,
        )

    def _shut_after(self, command: str, limit_s: float) -> float:
        said = self._machine.ask(
            f"a=$(date +%s%N); {command};"
            f" until [ $({self._value()}) = 0 ]; do sleep 0.01; done; b=$(date +%s%N);"
            " echo $(((b - a) / 1000000))",
            limit_s=limit_s,
        )
        return int(said) / 1000

    def _again(self) -> None:
        """Wait until the service is ready again."""
        state = "systemctl show smile-gate -p ActiveState --value"
        self._machine.wait("started again", state, lambda said: said == "active", 240)

    def _trace_anew(self) -> None:
        self._machine.run("echo > /sys/kernel/tracing/trace")

    def _sets(self) -> list[str]:
        """The levels that were set on the relay's line since, in their order."""
        trace = self._machine.ask("cat /sys/kernel/tracing/trace")
        return re.findall(rf"gpio_value: {self._number} set (\d)", trace)

    def _count(self, kind: str) -> int:
        """How many events of a kind are in the log."""
        return int(self._machine.ask(f"python3 - {kind} <<'END'\n{COUNT}END"))
