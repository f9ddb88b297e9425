"""Programs for aarch64 on another processor: qemu's user emulation, registered with the kernel."""

from __future__ import annotations

import platform
from pathlib import Path

from tests.rig.host import Failed, Missing, need, run

BINFMT = Path("/proc/sys/fs/binfmt_misc")
QEMU = "/usr/bin/qemu-aarch64-static"
MAGIC = (
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
)
"""The head of an aarch64 program and which of its bits count (elf(5))."""


def register() -> None:
    """Let the kernel run aarch64 programs until the next boot. Raises `Missing`.

    ``F`` has it open the interpreter now, so that it works in a chroot
    (Linux: Documentation/admin-guide/binfmt-misc.rst).
    """
    if platform.machine() == "aarch64":
        return
    need({"qemu-user-static": QEMU, "arch-test": "/usr/bin/arch-test"})
    try:
        if not (BINFMT / "register").exists():
            run("mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT)
        if not (BINFMT / "qemu-aarch64").exists():
            (BINFMT / "register").write_text(f":qemu-aarch64:M::{MAGIC[0]}:{MAGIC[1]}:{QEMU}:F")
    except (OSError, Failed) as error:
        raise Missing(f"this kernel takes no interpreter for aarch64: {error}") from None
