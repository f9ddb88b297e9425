"""A virtual machine: Debian's kernel, simulated GPIO lines, a disk that can lose its power."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.rig import kernel
from tests.rig.guest import Guest, Said
from tests.rig.host import Failed, Missing, run, say

BOOT_S = 300
"""Emulation without KVM takes 10 to 30 s, and minutes on a machine that is busy."""
MEMORY_MB = 1024


class Machine(Guest):
    """qemu. ``power_cut`` kills it and its disk's write cache; ``boot`` starts it again.

    Its second disk (/dev/vdb) stands behind nbdkit's cache filter: a write reaches the file only
    when the guest flushes it, so a kill loses what a real disk may lose.
    """

    def __init__(
        self,
        payload: Path | None = None,
        *,
        ready: Path | None = None,
        processors: int = 2,
        flushes: bool = True,
    ) -> None:
        """Build what is missing, and boot with the files of a folder in /srv.

        With ``ready``, a disk that `keep_root` left, each boot begins with that system anew; what
        lasts from boot to boot is the second disk alone. One emulated processor costs less time of
        a busy machine than two. Without ``flushes`` the second disk only says that it has written:
        the control of a power cut. Raises `Missing` where no machine runs.
        """
        if os.geteuid() != 0:
            raise Missing("building a virtual machine needs root: sudo make rig")
        if platform.machine() != "x86_64":
            raise Missing("the virtual machine is made for x86_64")
        self._built = kernel.build()
        self._folder = Path(tempfile.mkdtemp(prefix="smile-gate-vm-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._line = b""
        self._port: socket.socket | None = None
        run("truncate", "-s", "256M", self._folder / "data.raw")
        run("mke2fs", "-q", "-t", "ext4", self._folder / "data.raw")
        self._payload = self._folder / "payload.raw"
        if payload is not None:
            run("truncate", "-s", "600M", self._payload)
            run("mke2fs", "-q", "-t", "ext4", "-d", payload, self._payload)
        self._ready = ready
        self._processors = processors
        self._cache = "writeback" if flushes else "unsafe"
        self._overlay(self._built / "root.raw" if ready is None else ready)
        self.accelerator = ""
        try:
            self.boot()
        except (Failed, OSError) as error:
            self.close()
            raise Missing(f"no virtual machine runs here: {error}") from None

    def _overlay(self, base: Path) -> None:
        """Have the root disk be as this one, which is left as it is."""
        form = "raw" if base.suffix == ".raw" else "qcow2"
        disk = self._folder / "root.qcow2"
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", form, "-b", base.resolve(), disk)

    def boot(self) -> None:
        """Power on; the disks are as they were left. Raises `Failed`."""
        tried = []
        for accelerator in ("kvm", "tcg,thread=multi"):
            if accelerator == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
                tried.append("no /dev/kvm")
                continue
            if self.accelerator not in ("", accelerator):
                continue
            begun = time.monotonic()
            try:
                self._start(accelerator)
                self._greet(BOOT_S if accelerator != "kvm" else 25)
            except (Failed, OSError) as error:
                tried.append(f"{accelerator}: {error}")
                self.power_cut()
                continue
            self.accelerator = accelerator
            self.boot_s = time.monotonic() - begun
            if self._payload.exists():
                self.run("mount -o ro /dev/vdc /srv")
            if tried:
                say(f"the virtual machine runs with {accelerator}; {tried[0][:200]}")
            return
        raise Failed("; ".join(tried))

    def _start(self, accelerator: str) -> None:
        folder = self._folder
        for name in ("port", "nbd"):
            (folder / name).unlink(missing_ok=True)
        disk = subprocess.Popen(
            [
                *("nbdkit", "-f", "-U", str(folder / "nbd"), "--filter=cache", "file"),
                *(str(folder / "data.raw"), f"cache={self._cache}", "cache-min-block-size=4K"),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._processes.append(disk)
        _until((folder / "nbd").exists, 5, "the data disk")
        processor = "host" if accelerator == "kvm" else "max"
        log = (folder / "qemu.log").open("ab")
        machine = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-M", "q35", "-accel", accelerator, "-cpu", processor),
                *(
                    "-smp",
                    str(self._processors),
                    "-m",
                    str(MEMORY_MB),
                    "-nodefaults",
                    "-no-user-config",
                ),
                *("-display", "none", "-no-reboot", "-kernel", str(self._built / "vmlinuz")),
                *("-initrd", str(self._built / "initrd.gz"), "-append"),
                "console=ttyS0 quiet panic=-1 mitigations=off audit=0 systemd.show_status=0",
                *("-serial", f"file:{folder / 'console.log'}"),
                "-drive",
                f"if=none,id=root,file={folder / 'root.qcow2'},format=qcow2,cache=unsafe",
                *("-device", "virtio-blk-pci,drive=root"),
                "-drive",
                f"if=none,id=data,file=nbd:unix:{folder / 'nbd'},format=raw,cache=none",
                *("-device", "virtio-blk-pci,drive=data"),
                *self._third_disk(),
                *("-device", "virtio-serial-pci"),
                *("-chardev", f"socket,id=port,path={folder / 'port'},server=on,wait=off"),
                *("-device", "virtserialport,chardev=port,name=rig"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes.append(machine)

    def _third_disk(self) -> list[str]:
        if not self._payload.exists():
            return []
        drive = f"if=none,id=payload,file={self._payload},format=raw,readonly=on"
        return ["-drive", drive, "-device", "virtio-blk-pci,drive=payload"]

    def _greet(self, limit_s: float) -> None:
        """Wait for the agent."""
        folder = self._folder
        _until(lambda: self._connects(folder / "port"), 30, "qemu's port")
        self._line = b""
        try:
            self._receive(limit_s)
        except Failed as error:
            log = (folder / "qemu.log").read_text(errors="replace")[-300:]
            with suppress(OSError):
                log += (folder / "console.log").read_text(errors="replace")[-500:]
            raise Failed(f"{error} {log}") from None

    def _connects(self, path: Path) -> bool:
        """Whether the port takes us: its name is there a moment before."""
        if self._processes[-1].poll() is not None:
            raise Failed("qemu ended")
        self._port = socket.socket(socket.AF_UNIX)
        try:
            self._port.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            self._port.close()
            self._port = None
        return self._port is not None

    def _receive(self, limit_s: float) -> dict[str, object]:
        assert self._port is not None
        end = time.monotonic() + limit_s
        while b"\n" not in self._line:
            if self._processes[-1].poll() is not None:
                raise Failed("qemu ended")
            if time.monotonic() > end:
                raise Failed(f"the machine did not answer within {limit_s:g} s")
            self._port.settimeout(0.5)
            with suppress(TimeoutError):
                data = self._port.recv(65536)
                if not data:
                    raise Failed(f"the machine went away: {self._last_words()}")
                self._line += data
        line, self._line = self._line.split(b"\n", 1)
        answer: dict[str, object] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """What the kernel said last, to tell a panic from a kill."""
        console = (self._folder / "console.log").read_text(errors="replace")
        at = max(console.rfind("BUG:"), console.rfind("panic"), 0)
        return console[max(at - 200, 0) :][:900] or "nothing"

    def _execute(self, command: str, limit_s: float) -> Said:
        if self._port is None:
            raise Failed("the machine is off")
        asked = json.dumps({"command": command, "limit": limit_s}).encode() + b"\n"
        try:
            self._port.settimeout(30)
            self._port.sendall(asked)
            answer = self._receive(limit_s + 30)
        except OSError as error:
            raise Failed(f"the machine went away: {error}") from None
        return Said(int(str(answer["code"])), str(answer["text"]))

    def power_cut(self) -> None:
        """Kill the disk with its cache, then the machine: nothing is flushed on the way out."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()
        if self._port is not None:
            self._port.close()
            self._port = None

        if self._ready is not None:
            self._overlay(self._ready)

    def keep_root(self, target: Path) -> None:
        """Power off in order, and keep the root disk, for other machines to begin with."""
        with suppress(Failed):  # it goes away in the middle of the answer
            self.run("systemctl poweroff; sleep 60", limit_s=90)
        try:
            self._processes[-1].wait(90)
        except subprocess.TimeoutExpired:
            raise Failed("the machine does not power off") from None
        self.power_cut()
        shutil.move(self._folder / "root.qcow2", target)

    def close(self) -> None:
        """Power off and throw the disks away; may be called twice."""
        self.power_cut()
        shutil.rmtree(self._folder, ignore_errors=True)


def _until(good: Callable[[], bool], limit_s: float, what: str) -> None:
    end = time.monotonic() + limit_s
    while not good():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come up")
        time.sleep(0.05)
