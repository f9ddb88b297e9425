"""The disk that each boot of the power cuts begins with: Debian, simulated lines, the service."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from gate.hardware.picture_files import VideoFile
from tests.rig import cut_guest, lines
from tests.rig.host import ROOT, fingerprint, run, say
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
