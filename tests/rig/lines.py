"""Simulated GPIO lines in a virtual machine, and the installed service that drives them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.rig import userland, wheels
from tests.rig.guest import Guest
from tests.rig.host import Failed, run
from tests.rig.nspawn import Container
from tests.rig.project import INSTALL, WHEELS, configure, deliver, slow_clip

RELAY, EMERGENCY = 17, 4
LINES = f"""\
set -e
mountpoint -q /sys/kernel/config || mount -t configfs config /sys/kernel/config
mountpoint -q /sys/kernel/debug || mount -t debugfs debug /sys/kernel/debug
mountpoint -q /sys/kernel/tracing || mount -t tracefs trace /sys/kernel/tracing
getent group gpio >/dev/null || groupadd --system gpio
echo 'SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"' >/etc/udev/rules.d/90-rig.rules
udevadm control --reload
modprobe gpio-sim
cd /sys/kernel/config/gpio-sim
mkdir -p pi/bank/line{RELAY} pi/bank/line{EMERGENCY}
echo 58 >pi/bank/num_lines
echo pinctrl-bcm2711 >pi/bank/label
echo 1 >pi/live
udevadm settle
(cat /proc/cpuinfo; printf 'Revision\\t: c03115\\n') >/run/cpuinfo
mount --bind /run/cpuinfo /proc/cpuinfo
echo 1 >/sys/kernel/tracing/events/gpio/enable
"""
"""As Raspberry Pi OS has it: the bank's label and 58 lines, the group, a Pi 4's revision."""
SLOW = """\
[Service]
TimeoutStartSec=600
TimeoutStopSec=60
WatchdogSec=30
TimeoutAbortSec=5
# ProtectProc= mounts a /proc of its own, without the revision that was put into the outer one.
BindReadOnlyPaths=/run/cpuinfo:/proc/cpuinfo
"""


def pack(payload: Path) -> None:
    """Install in a container, which is quick, and take the result: the machine may be emulated."""
    packages = wheels.fetch(wheels.BOOKWORM, "pi", "metrics")
    with Container(userland.BOOKWORM.build()) as guest:
        deliver(guest.root / "srv", packages)
        guest.run(f"{INSTALL} --no-start", limit_s=300)
        program = next((guest.root / "opt/smile-gate/releases").iterdir()).name
        # The pins' library is not among the requirements: a Pi has its system's.
        pip = f"/opt/smile-gate/releases/{program}/bin/pip"
        guest.run(f"{pip} install --quiet --no-index --find-links {WHEELS} lgpio", limit_s=120)
        run("cp", "-a", guest.root / "opt/smile-gate", payload / "program")
        shutil.copytree(guest.root / "srv/smile-gate/systemd", payload / "systemd")
        slow_clip(payload / "clip.avi")


def install(guest: Guest, settings: str) -> None:
    """Put what `pack` made, which is in /srv, where the installer puts it; it is not started."""
    guest.run("mkdir -p /var/lib/smile-gate && mount /dev/vdb /var/lib/smile-gate")
    guest.run(
        "mkdir -p /etc/systemd/system/smile-gate.service.d && cat >"
        f" /etc/systemd/system/smile-gate.service.d/rig.conf <<'END'\n{SLOW}END"
    )
    configure(guest, settings)
    guest.run(
        "cp -a /srv/program /opt/smile-gate && cp /srv/systemd/smile-gate.service"
        " /etc/systemd/system && systemd-sysusers /srv/systemd/smile-gate.sysusers"
        " && ln -s /opt/smile-gate/bin/smile-gate /usr/local/bin"
        " && chown smile-gate: /var/lib/smile-gate && systemctl daemon-reload && sync",
        limit_s=300,
    )


def make(guest: Guest) -> tuple[str, int]:
    """Make the lines; gives their folder in /sys and the relay's number in the kernel's trace."""
    guest.run(f"cat > /run/lines <<'END'\n{LINES}END\nbash /run/lines")
    device = guest.ask("cat /sys/kernel/config/gpio-sim/pi/dev_name")
    chip = guest.ask("cat /sys/kernel/config/gpio-sim/pi/bank/chip_name")
    listed = guest.ask("grep gpiochip /sys/kernel/debug/gpio")
    found = re.search(rf"{chip}: GPIOs (\d+)-", listed)
    if found is None:
        raise Failed(f"no {chip} in {listed}")
    return f"/sys/devices/platform/{device}/{chip}", int(found[1]) + RELAY
