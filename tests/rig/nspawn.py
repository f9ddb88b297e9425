"""A container with systemd as PID 1, in a copy of a userland that is thrown away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.rig.guest import Guest, Said
from tests.rig.host import Failed, Missing, need, run

BOOT_S = 30
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Container(Guest):
    """systemd-nspawn(1) over an overlay in memory; needs root. It has no network."""

    def __init__(self, root: Path) -> None:
        """Boot it. Raises `Missing` where containers cannot run."""
        if os.geteuid() != 0:
            raise Missing("a container needs root: sudo make rig")
        need({"systemd-container": "/usr/bin/systemd-nspawn"})
        self._folder = Path(tempfile.mkdtemp(prefix="smile-gate-rig-"))
        self.root = self._folder / "root"
        self._leader = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._mount(root)
            self._boot()
        except (Failed, OSError) as error:
            self.close()
            raise Missing(f"no container runs here: {error}") from None

    def _mount(self, lower: Path) -> None:
        layers = self._folder / "layers"
        for folder in (self.root, layers):
            folder.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=3g,mode=755", "smile-gate-rig", layers)
        for name in ("upper", "work"):
            (layers / name).mkdir()
        options = f"lowerdir={lower},upperdir={layers / 'upper'},workdir={layers / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", options, self.root)

    def _boot(self) -> None:
        begun = time.monotonic()
        console = (self._folder / "console.log").open("wb")
        # The machine's own PID 1 may be something else than systemd: --register=no, --keep-unit.
        self._process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--directory", str(self.root), "--boot"),
                *("--register=no", "--keep-unit", "--console=pipe", "--private-network"),
                *("--link-journal=no", f"--machine=rig{os.getpid()}"),
                "systemd.unit=multi-user.target",
            ],
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_LOG_LEVEL": "err"},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        state = ""
        while time.monotonic() - begun < BOOT_S:
            if self._process.poll() is not None:
                break
            self._leader = self._leader or self._find_leader()
            if self._leader:
                state = self.run("systemctl is-system-running", check=False).text.strip()
                if state in ("running", "degraded"):
                    self.boot_s = time.monotonic() - begun
                    return
            time.sleep(0.1)
        tail = (self._folder / "console.log").read_text(errors="replace")[-500:]
        raise Failed(f"systemd did not come up (state '{state}'): {tail}")

    def _find_leader(self) -> int:
        """The process of systemd in the container, as this machine numbers it; 0 if none yet."""
        assert self._process is not None
        with suppress(OSError, ValueError, IndexError):
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            child = int(children.read_text().split()[0])
            if os.readlink(f"/proc/{child}/exe").endswith("/systemd"):
                return child
        return 0

    def _execute(self, command: str, limit_s: float) -> Said:
        namespaces = ("-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w")
        words = ["nsenter", "-t", str(self._leader), *namespaces, "env", "-i"]
        words += [f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "timeout", "-k", "5"]
        done = subprocess.run(
            [*words, str(limit_s), "bash", "-c", command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Said(done.returncode, done.stdout.decode(errors="replace"))

    def close(self) -> None:
        """Halt it and throw its files away; may be called twice."""
        process, self._process = self._process, None
        if process is not None:
            if self._leader:
                with suppress(OSError):
                    os.kill(self._leader, signal.SIGRTMIN + 4)  # systemd(1): power off
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        for mount in (self.root, self._folder / "layers"):
            subprocess.run(["umount", "--lazy", str(mount)], check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)
