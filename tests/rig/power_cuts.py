"""``make power-cuts``: the installed service loses its power again and again.

A virtual machine with simulated lines boots, the gate opens (or an emergency is raised), and the
machine is killed together with its disk's cache. After the next boot its log and the first levels
of its line are judged. Each cut is a line in build/power-cuts/results.jsonl: a run that was stopped
goes on there.

No simulation says what a Pi's line does while it has no power: a killed machine's lines are gone,
and the new kernel's begin at their pull.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from gate.hardware.picture_files import VideoFile
from tests.rig import cut_guest, lines
from tests.rig import cut_results as results_of
from tests.rig.cut_results import Cut, Kind, Result, Row
from tests.rig.host import ROOT, Failed, Missing, fingerprint, run, say
from tests.rig.lines import EMERGENCY, RELAY
from tests.rig.project import CLIP
from tests.rig.vm import Machine

FOLDER = ROOT / "build" / "power-cuts"
HOLD_S = 6.0
SETTINGS = f"""\
camera: {{source: {CLIP}, loop: true, fps: 1, stale_after_s: 60}}
eyes: {{required: false}}
relay: {{pin: {RELAY}, hold_s: {HOLD_S}}}
rearm: {{after_s: 0.3}}
inputs: {{emergency: {{pin: {EMERGENCY}}}}}
store: {{grant_within_s: 10}}
service: {{crash_starts: 100, crash_window_s: 60}}
"""
"""The camera shows noise: only the operator opens. Emulation may be slow to write and to see."""
IDLE = (
    *("dev-hugepages.mount", "dev-mqueue.mount", "systemd-pstore.service", "kmod-static-nodes"),
    *("systemd-update-utmp", "systemd-update-utmp-runlevel", "systemd-user-sessions"),
    *("systemd-random-seed", "systemd-sysctl", "systemd-binfmt", "modprobe@efi_pstore"),
    *("modprobe@dm_mod", "modprobe@drm", "modprobe@fuse", "modprobe@loop", "e2scrub_reap"),
)
"""Units that cost a boot time, and have nothing to do with the gate."""
GUEST = "/usr/local/sbin/cut-guest"
UNIT = """\
[Unit]
Description=makes the simulated lines
After=local-fs.target systemd-udevd.service
Before=smile-gate.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash /usr/local/sbin/rig-lines
[Install]
WantedBy=multi-user.target
"""
ORDER = "[Unit]\nRequires=rig-lines.service\nAfter=rig-lines.service\n"
FAILURES = 3
"""A machine that does not come up so often in a row ends the run."""
EXAMPLES = """\
examples:
  sudo make power-cuts                                        100 in a hold, 20 in an emergency
  sudo make power-cuts OPTIONS="--cuts 2 --emergencies 1"     a short try
  sudo make power-cuts OPTIONS="--fresh --seed 7"             begin anew, at other moments
exit codes: 0 every promise held, 1 one was broken or the run did not finish,
2 a wrong call, or it cannot be tried on this machine
"""
NOTE = (
    "Judged are the log and the first levels that a program sets after the boot. What a Pi's own"
    " line does without power is not simulated: a killed machine's lines are gone."
)


def main(words: Sequence[str] | None = None) -> int:
    """Make the cuts that are left, and print the table."""
    options = _options(words)
    file = FOLDER / "results.jsonl"
    if options.fresh:
        file.unlink(missing_ok=True)
    program, results = installed(), results_of.read(file)
    if {(result.program, result.seed) for result in results} - {(program, options.seed)}:
        print(
            f"{file.relative_to(ROOT)} is of another program or seed: --fresh begins anew",
            file=sys.stderr,
        )
        return 2
    wanted = results_of.schedule(options.cuts, options.emergencies)
    waiting = results_of.left(wanted, results)
    say(f"{len(waiting)} of {len(wanted)} cuts are left; seed {options.seed}")
    ended = True
    try:
        if waiting:
            ended = Cuts(file, program, options.seed).make(waiting)
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        ended = False
    results = [result for result in results_of.read(file) if result.cut in wanted]
    print(f"\n{results_of.table(results)}\n\n{NOTE}")
    if not ended:
        print("not finished: the same call goes on", file=sys.stderr)
    return int(not ended or any(result.problems for result in results))


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make power-cuts",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cuts", type=int, default=100, help="power cuts in a hold (100)")
    parser.add_argument("--emergencies", type=int, default=20, help="… in an emergency (20)")
    parser.add_argument("--seed", type=int, default=1, help="decides the moments of the cuts (1)")
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    return parser.parse_args(words)


class Cuts:
    """Makes cuts, on one machine after another."""

    def __init__(self, file: Path, program: str, seed: int) -> None:
        self._file = file
        self._program = program
        self._seed = seed
        self._commit = run("git", "-C", ROOT, "describe", "--always", "--dirty").strip()
        self._acknowledged: dict[int, Row] = {}
        """What must be in the log of the present machine."""

    def make(self, waiting: list[Cut]) -> bool:
        """Make the cuts; False if the machine failed too often."""
        ready, failures = prepare(self._program), 0
        while waiting and failures < FAILURES:
            try:
                self._acknowledged.clear()
                with Machine(ready=ready, processors=1) as machine:
                    _ask(machine, "look")
                    while waiting:
                        waiting = waiting[self._made(machine, waiting[0]) :]
                        failures = 0
            except Failed as error:
                failures += 1
                say(f"not counted, with a new machine again: {error}")
        return not waiting

    def _made(self, machine: Machine, cut: Cut) -> bool:
        """Make one; False if it came too late to count. Raises `Failed`."""
        if cut.kind is Kind.HOLD:
            event = int(_ask(machine, "open", cut.reason)["number"])
            self._acknowledged[event] = Row(event, "operator_granted", cut.reason)
        else:
            event = int(_ask(machine, "raise")["number"])
            self._acknowledged[event] = Row(event, "emergency")
        delay_s = cut.delay_s(self._seed)
        time.sleep(delay_s)
        machine.power_cut()
        machine.boot()
        with tempfile.TemporaryDirectory() as folder:
            seen = results_of.seen_in(_ask(machine, "look"), Path(folder))
        problems = results_of.judge(cut, self._acknowledged, event, seen)
        if not problems and cut.kind is Kind.HOLD and not results_of.in_the_hold(event, seen):
            say(f"{cut.kind} {cut.number}: not counted, the hold was over")
            return False
        result = Result(
            kind=cut.kind,
            number=cut.number,
            program=self._program,
            commit=self._commit,
            seed=self._seed,
            delay_s=round(delay_s, 3),
            event=event,
            events=len(seen.rows),
            levels=seen.levels,
            up_s=seen.up_s,
            problems=problems,
        )
        results_of.append(self._file, result)
        say(f"{cut.kind} {cut.number}: {'; '.join(problems) or 'held'}, {seen.up_s:.0f} s")
        if problems:
            raise Failed("a promise was broken, which is noted; the next cut has a new disk")
        if cut.kind is Kind.EMERGENCY:
            _ask(machine, "clear")
        return True


def _ask(machine: Machine, *words: str) -> dict[str, Any]:
    quoted = " ".join(f"'{word}'" for word in words)
    said = machine.ask(f"{GUEST} {quoted}", limit_s=cut_guest.READY_S + 60)
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def installed() -> str:
    """The fingerprint of what is installed: results of one program do not speak for another."""
    names = run("git", "-C", ROOT, "ls-files", "-z", "gate", "models", "systemd").split("\0")
    found = hashlib.sha256()
    for name in sorted(filter(None, names)):
        if (ROOT / name).is_file():
            found.update(f"{name}\0".encode() + (ROOT / name).read_bytes())
    return found.hexdigest()[:16]


def prepare(program: str) -> Path:
    """The root disk with the service installed and enabled; built unless it is there."""
    ready, stamp = FOLDER / "ready.qcow2", FOLDER / "ready.stamp"
    script = Path(cut_guest.__file__).read_text()
    want = fingerprint(program, SETTINGS, IDLE, lines.LINES, lines.SLOW, UNIT, script)
    if ready.exists() and stamp.exists() and stamp.read_text() == want:
        return ready
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    say("installing the service on a disk that every boot begins with")
    with tempfile.TemporaryDirectory(prefix="smile-gate-payload-") as folder:
        payload = Path(folder)
        lines.pack(payload)
        _noise(payload / "clip.avi")
        (payload / "cut-guest").write_text("#!/usr/bin/python3 -I\n" + script)
        (payload / "rig-lines").write_text(lines.LINES)
        (payload / "rig-lines.service").write_text(UNIT)
        (payload / "order.conf").write_text(ORDER)
        with Machine(payload) as machine:
            lines.make(machine)
            lines.install(machine, SETTINGS)
            machine.run(
                "install -m 755 /srv/cut-guest /srv/rig-lines /usr/local/sbin"
                " && cp /srv/rig-lines.service /etc/systemd/system"
                " && cp /srv/order.conf /etc/systemd/system/smile-gate.service.d"
                " && echo '/dev/vdb /var/lib/smile-gate ext4 rw,noatime 0 2' >>/etc/fstab"
                " && systemctl enable rig-lines smile-gate"
                f" && systemctl mask --quiet {' '.join(IDLE)}"
                " && cp /srv/clip.avi /root && umount /srv && mv /root/clip.avi /srv && sync",
                limit_s=300,
            )
            machine.keep_root(ready)
    stamp.write_text(want)
    return ready


def _noise(path: Path) -> None:
    """A small clip without a guest, and no two pictures of it the same."""
    dice = np.random.default_rng(1)
    with closing(VideoFile(path, 1)) as video:
        for _ in range(30):
            video.write(dice.integers(60, 200, (120, 160, 3), dtype=np.uint8))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(f"power-cuts: {error}")
