"""Debian userlands, built once with mmdebstrap and kept in the cache."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.rig.host import CACHE, archive, debian, fingerprint, need, run, say

BASE = ("python3", "python3-venv", "ca-certificates")
SERVICE = ("systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "dmsetup", "sudo")
"""What makes a userland one that boots."""
QUIET = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service", "systemd-timesyncd.service"),
    *("getty.target", "serial-getty@ttyS0.service", "systemd-logind.service"),
)
"""Units that a rig does not need: some ask the network, some only cost time."""
LEFT_OUT = ("man", "doc", "locale", "i18n")


@dataclass(frozen=True, slots=True)
class Userland:
    """One Debian: its release, its architecture, what is installed in it."""

    release: str
    architecture: str
    packages: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Where its files are."""
        return CACHE / f"{self.release}-{self.architecture}"

    def build(self) -> Path:
        """Build it unless it is there, and give its root folder. Raises `Missing`, `Failed`."""
        need({"mmdebstrap": "/usr/bin/mmdebstrap"})
        stamp = self.root.with_suffix(".stamp")
        want = fingerprint(3, self)
        if stamp.exists() and stamp.read_text() == want:
            return self.root
        CACHE.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        if self.root.exists():
            shutil.rmtree(self.root)
        say(f"building Debian {self.release} for {self.architecture}")
        sources = [f"deb {debian()} {self.release} main"]
        security = archive(f"{self.release}-security")
        if security is not None:
            sources.append(f"deb {security} {self.release}-security main")
        run(
            *("nice", "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
            f"--architectures={self.architecture}",
            f"--include={','.join((*BASE, *self.packages))}",
            *("--aptopt=Acquire::Languages none", "--aptopt=APT::Install-Recommends false"),
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT),
            self.release,
            self.root,
            *sources,
            log=CACHE / f"{self.root.name}.log",
        )
        if "systemd" in self.packages:
            self._settle()
        stamp.write_text(want)
        return self.root

    def _settle(self) -> None:
        etc = self.root / "etc"
        (etc / "hostname").write_text("rig\n")
        (etc / "machine-id").write_text("")
        (etc / "hosts").write_text("127.0.0.1 localhost rig\n")
        for unit in QUIET:
            (etc / "systemd/system" / unit).symlink_to("/dev/null")


BOOKWORM = Userland("bookworm", "amd64", SERVICE)
"""As Raspberry Pi OS Bookworm, on this machine's processor, with systemd 252."""
TRIXIE = Userland("trixie", "amd64", SERVICE)
"""As Raspberry Pi OS Trixie, with systemd 257."""
ARM64 = {name: Userland(name, "arm64", ()) for name in ("bookworm", "trixie")}
"""The processor of a Pi, by emulation."""
